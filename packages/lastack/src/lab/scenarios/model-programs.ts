import { NEVER_CLOSES, type Call, type Moment, type Program } from '@lastack/core';

/** When, how many milliseconds later, and what. */
type Step = readonly [when: Moment, after: number, call: Call];

const CLOSE: Call = { kind: 'close' };
const END: Call = { kind: 'shutdown', how: 'WR' };
const SPEAK: Call = { kind: 'write', bytes: 6 };

function reads(...steps: readonly Step[]): Program {
  return { reads: true, steps: steps.map(([when, after, call]) => ({ when, after, call })) };
}

/** Says something and closes a while later, whatever the other does. */
export const SPEAKS_AND_LEAVES = reads(['established', 0, SPEAK], ['established', 300, CLOSE]);

/** Says something and keeps the connection. */
export const SPEAKS_AND_STAYS = reads(['established', 0, SPEAK]);

/** Says something, and closes when the peer has. */
export const SPEAKS_AND_CLOSES_AFTER_PEER = reads(
  ['established', 0, SPEAK],
  ['end of stream', 0, CLOSE],
);

/** Answers and closes, without waiting for its peer. */
export const ANSWERS_AND_CLOSES = reads(['data', 0, SPEAK], ['data', 50, CLOSE]);

/** Greets and closes, without having been asked. */
export const GREETS_AND_CLOSES = reads(['established', 0, SPEAK], ['established', 50, CLOSE]);

/** Answers without having read the question, and closes. */
export const CLOSES_WITH_UNREAD_DATA: Program = { ...ANSWERS_AND_CLOSES, reads: false };

/** Answers and ends its own side, reads on, and closes when the peer has. */
export const ENDS_AND_CLOSES_AFTER_PEER = reads(
  ['established', 0, SPEAK],
  ['established', 50, END],
  ['end of stream', 0, CLOSE],
);

/** Ends its own side, and keeps the connection. */
export const ENDS_AND_STAYS = reads(['established', 0, SPEAK], ['established', 50, END]);

/** Closes as soon as it is connected. */
export const CONNECTS_AND_CLOSES = reads(['established', 50, CLOSE]);

/** As far as TCP sees. */
export const STAYS = NEVER_CLOSES;
