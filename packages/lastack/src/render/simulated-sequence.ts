import { flagNames, type Segment, type TimelineEvent } from '@lastack/core';
import type { SequenceArrow, SequenceDiagram, SequencePlace } from './sequence-diagram.ts';

type SendEvent = Extract<TimelineEvent, { kind: 'send' }>;
type CallEvent = Extract<TimelineEvent, { kind: 'call' }>;

interface Row {
  readonly at: number;
  left: string;
  right: string;
  arrow: SequenceArrow | null;
}

/** What simulate() recorded, as a diagram: the client at the left, the server at the right. */
export function simulatedSequence(events: readonly TimelineEvent[]): SequenceDiagram {
  const rows: Row[] = [];
  /** Arrows that are drawn whole and have not arrived yet. */
  const onTheWay = new Map<Segment, Row>();
  const arrived = new Set<Segment>();
  /** By end: the line of the segment that it has just received, whose consequence is written beside it. */
  const consequence: Record<SequencePlace, Row | null> = { left: null, right: null };

  for (const [index, event] of events.entries()) {
    const place: SequencePlace = event.role === 'client' ? 'left' : 'right';
    if (event.kind === 'send') send(event, place, partOf(events, index));
    else if (event.kind === 'arrive') arrive(event.at, place, event.segment);
    else note(event.at, place, event.kind === 'state' ? event.to : callText(event.call));
  }
  return { left: 'client', right: 'server', rows };

  function addRow(at: number): Row {
    const row: Row = { at, left: '', right: '', arrow: null };
    rows.push(row);
    return row;
  }

  function note(at: number, place: SequencePlace, text: string): void {
    const row = consequence[place] ?? addRow(at);
    row[place] = text;
    consequence[place] = null;
  }

  function send(event: SendEvent, from: SequencePlace, part: SequenceArrow['part']): void {
    const last = rows.at(-1);
    const joins =
      last !== undefined && last.at === event.at && last.arrow === null && last[from] !== '';
    const row = joins ? last : addRow(event.at);
    row.arrow = { from, label: labelOf(event.segment), part };
    consequence[from] = null;
    if (part === 'whole') onTheWay.set(event.segment, row);
  }

  function arrive(at: number, place: SequencePlace, segment: Segment): void {
    const whole = onTheWay.get(segment);
    onTheWay.delete(segment);
    consequence[place] = whole ?? addArrival(at, place, segment);
    arrived.add(segment);
  }

  function addArrival(at: number, place: SequencePlace, segment: Segment): Row {
    const row = addRow(at);
    const from = place === 'left' ? 'right' : 'left';
    const part = arrived.has(segment) ? 'copy' : 'arrives';
    row.arrow = { from, label: labelOf(segment), part };
    return row;
  }
}

/** Whole, unless the other end sends, or a later segment overtakes, while this one is on its way. */
function partOf(events: readonly TimelineEvent[], index: number): SequenceArrow['part'] {
  const sent = events[index] as SendEvent;
  if (sent.arrives === null) return 'lost';
  const later = new Set<Segment>();
  for (const event of events.slice(index + 1)) {
    if (event.at >= sent.arrives) return 'whole';
    if (event.kind === 'send' && event.role !== sent.role) return 'sent';
    if (event.kind === 'send') later.add(event.segment);
    if (event.kind === 'arrive' && later.has(event.segment)) return 'sent';
  }
  // It arrives after the clock has stopped.
  return 'sent';
}

function labelOf({ flags, length }: Segment): string {
  const names = flagNames(flags);
  if (length === 0) return names;
  const data = `${length} B`;
  return /SYN|FIN|RST/.test(names) ? `${names.replace('PSH ', '')}, ${data}` : data;
}

function callText(call: CallEvent['call']): string {
  switch (call.kind) {
    case 'write':
      return `write(${call.bytes})`;
    case 'shutdown':
      return `shutdown(${call.how})`;
    case 'close':
      return 'close()';
    case 'abort':
      return 'abort()';
    default:
      return call satisfies never;
  }
}
