/** What a simulated program does with its connection. */
export interface Program {
  /** Reads all that arrives as it arrives; otherwise it never reads. */
  readonly reads: boolean;
  readonly steps: readonly Step[];
}

/** A call, and when it is made: `after` milliseconds (0 unless given) after what it waits for. */
export interface Step {
  readonly when: Moment;
  readonly after?: number;
  readonly call: Call;
}

/** The connection is open; the first data, or the end of the stream, has been read, or could be. */
export type Moment = 'established' | 'data' | 'end of stream';

export type Call =
  | { readonly kind: 'write'; readonly bytes: number }
  | { readonly kind: 'shutdown'; readonly how: 'RD' | 'WR' | 'RDWR' }
  | { readonly kind: 'close' }
  | { readonly kind: 'abort' };

const CLOSE: Call = { kind: 'close' };

/** Closes when its peer has: what every program should do. */
export const CLOSES_AFTER_PEER: Program = {
  reads: true,
  steps: [{ when: 'end of stream', call: CLOSE }],
};

/** Reads, and forgets to close: CLOSE-WAIT until it exits. */
export const NEVER_CLOSES: Program = { reads: true, steps: [] };

/** Neither reads nor closes. */
export const NEVER_READS: Program = { reads: false, steps: [] };

/** Closes `after` milliseconds after its peer. */
export function closesLate(after: number): Program {
  return { reads: true, steps: [{ when: 'end of stream', after, call: CLOSE }] };
}

/** Writes, and closes at once. */
export function writesAndCloses(bytes: number): Program {
  return {
    reads: true,
    steps: [
      { when: 'established', call: { kind: 'write', bytes } },
      { when: 'established', call: CLOSE },
    ],
  };
}

/** Writes, ends its own stream, and closes when the peer has ended its. */
export function halfCloses(bytes: number): Program {
  return {
    reads: true,
    steps: [
      { when: 'established', call: { kind: 'write', bytes } },
      { when: 'established', call: { kind: 'shutdown', how: 'WR' } },
      { when: 'end of stream', call: CLOSE },
    ],
  };
}
