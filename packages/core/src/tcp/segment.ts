/** The control bits of RFC 9293 §3.1 that the model uses. */
export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

/**
 * A segment as the model sees it: no ports (a path has two ends), no bytes (their count is enough),
 * and the window already scaled.
 */
export interface Segment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  /** Bytes of data. */
  readonly length: number;
  /** Bytes that the sender of this segment can still take. */
  readonly window: number;
  /** RFC 7323 TSval in milliseconds, or 0 when time stamps are off. */
  readonly timestamp: number;
  /** Which connection the data belongs to. Not on the wire: it lets a test see what TCP cannot. */
  readonly connection: number;
}

/** The sequence numbers that a segment takes: its data, and one each for SYN and FIN. */
export function sequenceLength(segment: Segment): number {
  return segment.length + (segment.flags & SYN ? 1 : 0) + (segment.flags & FIN ? 1 : 0);
}

/** `FIN ACK`, in the order of the header. */
export function flagNames(flags: number): string {
  const names: string[] = [];
  if (flags & SYN) names.push('SYN');
  if (flags & FIN) names.push('FIN');
  if (flags & RST) names.push('RST');
  if (flags & PSH) names.push('PSH');
  if (flags & ACK) names.push('ACK');
  return names.join(' ');
}
