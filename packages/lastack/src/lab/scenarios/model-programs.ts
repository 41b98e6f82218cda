import type { Program } from '@lastack/core';

/** Says something and closes a while later, whatever the other does. */
export const SPEAKS_AND_LEAVES: Program = {
  reads: true,
  steps: [
    { when: 'established', call: { kind: 'write', bytes: 6 } },
    { when: 'established', after: 300, call: { kind: 'close' } },
  ],
};

/** Says something and keeps the connection. */
export const SPEAKS_AND_STAYS: Program = {
  reads: true,
  steps: [{ when: 'established', call: { kind: 'write', bytes: 6 } }],
};

/** Says something, and closes when the peer has. */
export const SPEAKS_AND_CLOSES_AFTER_PEER: Program = {
  reads: true,
  steps: [
    { when: 'established', call: { kind: 'write', bytes: 6 } },
    { when: 'end of stream', call: { kind: 'close' } },
  ],
};

/** Answers and closes, without waiting for its peer. */
export const ANSWERS_AND_CLOSES: Program = {
  reads: true,
  steps: [
    { when: 'data', call: { kind: 'write', bytes: 6 } },
    { when: 'data', call: { kind: 'close' } },
  ],
};
