import { TRANSITIONS, type ObservedTransition } from '@lastack/core';
import type { SequenceArrow, SequenceDiagram, SequencePlace } from './sequence-diagram.ts';
import { endpointText } from './trace-text.ts';

interface Row {
  readonly at: number;
  left: string;
  right: string;
  arrow: SequenceArrow | null;
}

/**
 * The transitions of one connection, of one end or of both, as a diagram: the end whose change was seen first at the left.
 * States were observed; the segments between are those that the changes mean (RFC 9293 figure 5).
 */
export function tracedSequence(transitions: readonly ObservedTransition[]): SequenceDiagram {
  const [first] = transitions;
  const rows: Row[] = [];
  for (const transition of transitions) {
    const place: SequencePlace = transition.socket === first.socket ? 'left' : 'right';
    const received = receivedBy(transition);
    const sent = received === null ? sentBy(transition) : null;
    const row: Row = { at: transition.atMs - first.atMs, left: '', right: '', arrow: null };
    row[place] = transition.to;
    if (received !== null) {
      const sending = findSending(rows, place, received);
      const isNext = sending !== null && !rows.slice(rows.indexOf(sending)).some(isSaid(place));
      if (isNext) {
        sending[place] = transition.to;
        continue;
      }
      row.arrow = { from: otherOf(place), label: received, part: 'whole' };
      if (sending?.arrow) {
        // Something else happened at this end before the segment arrived.
        sending.arrow = { ...sending.arrow, part: 'sent' };
        row.arrow = { ...row.arrow, part: 'arrives' };
      }
    } else if (sent !== null) {
      row.arrow = { from: place, label: sent, part: 'whole' };
    }
    rows.push(row);
  }
  return {
    left: endpointText(first.local),
    right: endpointText(first.remote),
    rows,
  };
}

/**
 * The line on which the other end sent a segment that has not arrived. The kernel announces a server's SYN-RECEIVED only
 * with its ESTABLISHED, so that may be many lines above.
 */
function findSending(rows: readonly Row[], place: SequencePlace, label: string): Row | null {
  const sending = rows.find(
    ({ arrow, ...row }) =>
      arrow?.part === 'whole' && arrow.from !== place && arrow.label === label && row[place] === '',
  );
  return sending ?? null;
}

function isSaid(place: SequencePlace): (row: Row) => boolean {
  return (row) => row[place] !== '';
}

function otherOf(place: SequencePlace): SequencePlace {
  return place === 'left' ? 'right' : 'left';
}

/** The segment that a change answers to. */
function receivedBy({ cause }: ObservedTransition): string | null {
  if (!cause.startsWith('receive ')) return null;
  return cause.slice('receive '.length).replace(' of FIN', '');
}

function sentBy({ from, to, cause }: ObservedTransition): string | null {
  if (cause === 'shutdown(WR) or close()') return 'FIN';
  const arrow = TRANSITIONS.find(
    (each) => each.from === from && each.to === to && each.on === cause,
  );
  return arrow?.sends ?? null;
}
