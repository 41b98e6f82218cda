/** The leak guard for vitest. @packageDocumentation */
import { aroundAll, aroundEach } from 'vitest';
import { type TrackOptions, trackSockets } from './index.ts';

/** What counts as a leak, and when it is looked for. */
export interface LeakGuardOptions extends TrackOptions {
  /**
   * `test` (when left out): a test fails when what it made is open after it and its hooks; the rest is looked for at the end of
   * the file. `file`: all at the end of the file.
   */
  readonly per?: 'test' | 'file' | undefined;
}

/**
 * Call it in a file of `setupFiles` for all tests, or at the top of a test file or `describe` for those in it: a test that leaves
 * a socket open fails, and the failure shows the line that made it.
 *
 * Sockets of `beforeAll`, of the module and of pools of databases must be closed when the file ends.
 * @throws RangeError when `settleMs` is no number from 0 on
 * @example leakGuard({ per: 'file' });
 */
export function leakGuard({ per = 'test', ...options }: LeakGuardOptions = {}): void {
  const sockets = trackSockets(options);

  aroundAll(async (runSuite) => {
    try {
      await runSuite();
      await sockets.assertNone();
    } finally {
      sockets[Symbol.dispose]();
    }
  });

  aroundEach(async (runTest, { task }) => {
    const test = { name: [...ancestorsOf(task), task.name].join(' > ') };
    await sockets.run(test, runTest);
    // A test that failed had no time to clean up: one failure, one message.
    if (task.result?.state === 'fail') sockets.forgive(test);
    else if (per === 'test') await sockets.assertNone({ test, exceptKept: true });
  });
}

interface Named {
  readonly name: string;
  readonly suite?: Named | undefined;
}

function ancestorsOf({ suite }: Named): string[] {
  return suite === undefined ? [] : [...ancestorsOf(suite), suite.name];
}
