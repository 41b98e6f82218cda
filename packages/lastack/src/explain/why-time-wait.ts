import {
  CLOSES_AFTER_PEER,
  grouped,
  halfCloses,
  LINUX,
  simulate,
  type Path,
  type TcpOptions,
} from '@lastack/core';

/** How many runs of each kind let bytes of an old connection into a new one. */
export interface TimeWaitTrial {
  readonly runs: number;
  /** TIME-WAIT left out. */
  readonly without: number;
  /** TIME-WAIT of 60 s. */
  readonly with: number;
  /** A RST ends TIME-WAIT: RFC 1337, and Linux unless tcp_rfc1337 is 1. */
  readonly endedByReset: number;
  /** Left out, but with time stamps: PAWS, RFC 7323. */
  readonly withTimestamps: number;
}

/** Segments overtake each other, and three in ten arrive again up to 50 ms later. */
const PATH: Path = { delay: 2, jitter: 2, loss: 0, duplicate: 0.3, lateBy: 50 };
/** Sent faster than initial sequence numbers grow (one every 4 µs), so that an old byte's number fits a new connection. */
const BYTES = 15_000;

/** Runs two connections of the same ports after each other, `runs` times for each kind. */
export function tryTimeWait(runs: number): TimeWaitTrial {
  return {
    runs,
    without: corruptRuns(runs, { timeWait: 0 }),
    with: corruptRuns(runs, {}),
    endedByReset: corruptRuns(runs, { resetEndsTimeWait: true }),
    withTimestamps: corruptRuns(runs, { timeWait: 0, timestamps: true }),
  };
}

function corruptRuns(runs: number, changes: Partial<TcpOptions>): number {
  const options = { ...LINUX, timestamps: false, resetEndsTimeWait: false, ...changes };
  let corrupt = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const { client, server } = simulate({
      seed,
      connections: 2,
      client: halfCloses(BYTES),
      server: CLOSES_AFTER_PEER,
      clientOptions: options,
      serverOptions: options,
      path: PATH,
    });
    if (client.foreignBytes + server.foreignBytes > 0) corrupt++;
  }
  return corrupt;
}

/** The question that the trial answers, and its result: how many runs, and in which kind. */
export function trialText({ runs, ...trial }: TimeWaitTrial): {
  readonly question: string;
  readonly answers: readonly (readonly [string, string])[];
} {
  return {
    question: `${grouped(runs)} pairs of connections on the same ports were run, over a network that delays, reorders and repeats. In how many were bytes of the old connection taken for the new one's?`,
    answers: [
      [grouped(trial.without), 'without TIME-WAIT'],
      [grouped(trial.with), 'with TIME-WAIT'],
      [grouped(trial.endedByReset), 'with a TIME-WAIT that a RST may end (RFC 1337)'],
      [grouped(trial.withTimestamps), 'without TIME-WAIT, but with time stamps (PAWS, RFC 7323)'],
    ],
  };
}
