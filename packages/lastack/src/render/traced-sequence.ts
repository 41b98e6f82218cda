import { TRANSITIONS, type ObservedTransition } from '@lastack/core';
import type { SequenceArrow, SequenceDiagram, SequencePlace } from './sequence-diagram.ts';
import { endpointText } from './trace-text.ts';

interface Row {
  readonly at: number;
  left: string;
  right: string;
  readonly arrow: SequenceArrow | null;
}

/**
 * The transitions of one connection, of one end or of both, as a diagram: the end whose change was seen first at the left.
 * States were observed; the segments between are those that the changes mean (RFC 9293 figure 5).
 */
export function tracedSequence(transitions: readonly ObservedTransition[]): SequenceDiagram {
  const [first] = transitions;
  const start = first.atMs;
  const isPair = transitions.some(({ socket }) => socket !== first.socket);
  const rows: Row[] = [];
  for (const transition of transitions) {
    const place: SequencePlace = transition.socket === first.socket ? 'left' : 'right';
    const last = rows.at(-1);
    const received = receivedBy(transition);
    const isAnswer =
      last !== undefined && last[place] === '' && last.arrow !== null && last.arrow.from !== place;
    if (received !== null && isAnswer) {
      last[place] = transition.to;
      continue;
    }
    rows.push({
      at: transition.atMs - start,
      left: place === 'left' ? transition.to : '',
      right: place === 'right' ? transition.to : '',
      arrow: arrowOf(transition, place, received, isPair),
    });
  }
  return {
    left: endpointText(first.local),
    right: endpointText(first.remote),
    rows,
  };
}

function arrowOf(
  transition: ObservedTransition,
  place: SequencePlace,
  received: string | null,
  isPair: boolean,
): SequenceArrow | null {
  const other = place === 'left' ? 'right' : 'left';
  if (received !== null) {
    // The sender's own change, if it is on this host, has drawn what was sent.
    const isDrawn = isPair && received !== 'ACK';
    return isDrawn ? null : { from: other, label: received, part: 'whole' };
  }
  const sends = sentBy(transition);
  return sends === null ? null : { from: place, label: sends, part: 'whole' };
}

/** The segment that a change answers to. */
function receivedBy({ cause }: ObservedTransition): string | null {
  if (!cause.startsWith('receive ')) return null;
  return cause.slice('receive '.length).replace(' of FIN', '');
}

function sentBy({ from, to }: ObservedTransition): string | null {
  return TRANSITIONS.find((arrow) => arrow.from === from && arrow.to === to)?.sends ?? null;
}
