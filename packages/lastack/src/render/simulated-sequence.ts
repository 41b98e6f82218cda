import { flagNames, type Segment, type TcpState, type TimelineEvent } from '@lastack/core';
import type { SequenceArrow, SequenceDiagram, SequencePlace } from './sequence-diagram.ts';

type SendEvent = Extract<TimelineEvent, { kind: 'send' }>;
type CallEvent = Extract<TimelineEvent, { kind: 'call' }>;

interface Row {
  readonly at: number;
  left: string;
  right: string;
  arrow: SequenceArrow | null;
}

interface Ends {
  /** What the server's end was before the first segment. */
  readonly server: 'LISTEN' | 'CLOSED';
  /** When the clock was stopped, ms; null when the run ended by itself. */
  readonly until: number | null;
}

/** What simulate() recorded, as a diagram: the client at the left, the server at the right. */
export function simulatedSequence(
  events: readonly TimelineEvent[],
  { server, until }: Ends = { server: 'LISTEN', until: null },
): SequenceDiagram {
  const rows: Row[] = [{ at: 0, left: 'CLOSED', right: server, arrow: null }];
  const states: Record<SequencePlace, TcpState> = { left: 'CLOSED', right: server };
  const labels = createLabels();
  /** Arrows that are drawn whole and have not arrived yet. */
  const onTheWay = new Map<Segment, Row>();
  /** What arrives again, or is lost and arrives nevertheless, is a copy. */
  const arrived = new Set<Segment>();
  const lost = new Set<Segment>();
  /** By end: when it received its last segment, and the line of it, beside which the consequence is written. */
  const received: Record<SequencePlace, { at: number; row: Row } | null> = {
    left: null,
    right: null,
  };

  for (const [index, event] of events.entries()) {
    const place: SequencePlace = event.role === 'client' ? 'left' : 'right';
    if (event.kind === 'send') send(event, place, partOf(events, index));
    else if (event.kind === 'arrive') arrive(event.at, place, event.segment);
    else if (event.kind === 'call') {
      received[place] = null;
      note(event.at, place, callText(event.call));
    } else {
      states[place] = event.to;
      note(event.at, place, event.to);
    }
  }
  if (until !== null && until > (rows.at(-1)?.at ?? 0)) {
    rows.push({ at: until, left: states.left, right: states.right, arrow: null });
  }
  return { left: 'client', right: 'server', rows };

  function addRow(at: number): Row {
    const row: Row = { at, left: '', right: '', arrow: null };
    rows.push(row);
    return row;
  }

  function note(at: number, place: SequencePlace, text: string): void {
    const last = received[place];
    const row = last !== null && last.at === at ? last.row : addRow(at);
    row[place] = text;
    received[place] = null;
  }

  function send(event: SendEvent, from: SequencePlace, part: SequenceArrow['part']): void {
    const last = rows.at(-1);
    const joins =
      last !== undefined && last.at === event.at && last.arrow === null && last[from] !== '';
    const row = joins ? last : addRow(event.at);
    row.arrow = { from, label: labels.of(event.segment, from), part };
    received[from] = null;
    if (part === 'whole') onTheWay.set(event.segment, row);
    if (part === 'lost') lost.add(event.segment);
  }

  function arrive(at: number, place: SequencePlace, segment: Segment): void {
    const whole = onTheWay.get(segment);
    onTheWay.delete(segment);
    labels.arrived(segment, place);
    received[place] = { at, row: whole ?? addArrival(at, place, segment) };
    arrived.add(segment);
  }

  function addArrival(at: number, place: SequencePlace, segment: Segment): Row {
    const row = addRow(at);
    const from = place === 'left' ? 'right' : 'left';
    const part = arrived.has(segment) || lost.has(segment) ? 'copy' : 'arrives';
    row.arrow = { from, label: labels.of(segment, from), part };
    return row;
  }
}

/** Whole, unless the other end acts by itself, or a later segment overtakes, while this one is on its way. */
function partOf(events: readonly TimelineEvent[], index: number): SequenceArrow['part'] {
  const sent = events[index] as SendEvent;
  if (sent.arrives === null) return 'lost';
  const later = new Set<Segment>();
  for (const event of events.slice(index + 1)) {
    if (event.at >= sent.arrives) return 'whole';
    if (event.role !== sent.role && actsByItself(event)) return 'sent';
    if (event.kind === 'send') later.add(event.segment);
    if (event.kind === 'arrive' && later.has(event.segment)) return 'sent';
  }
  // It arrives after the clock has stopped.
  return 'sent';
}

function actsByItself(event: TimelineEvent): boolean {
  return (
    event.kind === 'send' ||
    event.kind === 'call' ||
    (event.kind === 'state' && event.on === 'time-out')
  );
}

/** Names segments as a reader of a capture does: what is in them, and whether it was sent before. */
function createLabels() {
  const known = new Map<Segment, string>();
  const sent = new Set<string>();
  /** The highest acknowledgement that has reached an end: a probe asks for the byte before it. */
  const acked: Record<SequencePlace, number | null> = { left: null, right: null };

  return {
    of(segment: Segment, from: SequencePlace): string {
      const label = known.get(segment) ?? labelOf(segment, from);
      known.set(segment, label);
      return label;
    },
    arrived({ flags, ack }: Segment, place: SequencePlace): void {
      if (flagNames(flags).includes('ACK')) acked[place] = ack;
    },
  };

  function labelOf(segment: Segment, from: SequencePlace): string {
    const { flags, length, seq, window, connection } = segment;
    const names = flagNames(flags);
    const takesSequence = length > 0 || /SYN|FIN/.test(names);
    if (!takesSequence) {
      if (names === 'ACK' && acked[from] !== null && seq === (acked[from] - 1) >>> 0)
        return 'window probe';
      return window === 0 && names === 'ACK' ? 'ACK, window 0' : names;
    }
    const data = `${length} B`;
    const text =
      length === 0
        ? names
        : /SYN|FIN|RST/.test(names)
          ? `${names.replace('PSH ', '')}, ${data}`
          : data;
    const key = `${from} ${connection} ${seq} ${text}`;
    const again = sent.has(key);
    sent.add(key);
    return again ? `${text}, again` : text;
  }
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
