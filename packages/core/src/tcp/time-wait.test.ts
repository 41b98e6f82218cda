import { expect, test } from 'vitest';
import type { Path } from './path.ts';
import { CLOSES_AFTER_PEER, halfCloses } from './program.ts';
import { simulate } from './simulate.ts';
import { LINUX, type TcpOptions } from './tcp-options.ts';

/** Late copies that live less than half of TIME-WAIT: MSL. */
const PATH: Path = { delay: 5, jitter: 10, loss: 0.05, duplicate: 0.2, lateBy: 5000 };
const SEEDS = 3000;

/** How many of the seeds let bytes of an old connection into a new one on the same four-tuple. */
function corruptRuns(changes: Partial<TcpOptions>, seeds = SEEDS): number {
  const options = { ...LINUX, timestamps: false, resetEndsTimeWait: false, ...changes };
  let corrupt = 0;
  for (let seed = 0; seed < seeds; seed += 1) {
    const run = simulate({
      seed,
      connections: 3,
      client: halfCloses(80_000),
      server: CLOSES_AFTER_PEER,
      clientOptions: options,
      serverOptions: options,
      path: PATH,
    });
    if (run.client.foreignBytes + run.server.foreignBytes > 0) corrupt += 1;
  }
  return corrupt;
}

test('without TIME-WAIT, late copies of an old connection are taken for bytes of the new one', () => {
  expect(corruptRuns({ timeWait: 0 })).toBeGreaterThan(0);
});

test('with TIME-WAIT of 2 MSL, never', () => {
  expect(corruptRuns({ timeWait: 60_000 })).toBe(0);
});

test('a RST that is believed in TIME-WAIT ends it early, and lets them in again (RFC 1337)', () => {
  expect(corruptRuns({ timeWait: 60_000, resetEndsTimeWait: true })).toBeGreaterThan(0);
});

test('time stamps (PAWS, RFC 7323) keep them out even without TIME-WAIT', () => {
  expect(corruptRuns({ timeWait: 0, timestamps: true })).toBe(0);
});
