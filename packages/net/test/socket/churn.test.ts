import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { collect } from '../../../lastack/test/kit/netns.ts';
import { SELF_SIGNED } from '../graceful/kit/self-signed.ts';
import { bundleLibrary, LIBRARY_ENV } from './programs/bundle.ts';

/** CHURN=100000 for the full run, about three minutes. */
const COUNT = Number(process.env['CHURN'] ?? 2_000);

test(
  'connections under random faults leave no descriptor, timer or listener behind',
  async () => {
    using library = await bundleLibrary();
    const program = fileURLToPath(new URL('programs/churn.mjs', import.meta.url));
    const child = spawn(process.execPath, [program, library.file, String(COUNT)], {
      stdio: 'pipe',
      env: LIBRARY_ENV,
    });
    child.stdin.end(JSON.stringify(SELF_SIGNED));
    const { stdout, stderr, status } = await collect(child);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    if (COUNT > 10_000) console.log(stdout);
    const result = JSON.parse(stdout) as Record<'before' | 'after', Record<string, number>> & {
      readonly opened: number;
    };
    expect(result).toMatchObject({
      unhandled: 0,
      signalListeners: 0,
      runningHandlers: 0,
      leftAtTheEnd: [],
    });
    expect(result.after['descriptors']).toBeLessThanOrEqual(result.before['descriptors'] ?? 0);
    expect(result.after['resources']).toBeLessThanOrEqual(result.before['resources'] ?? 0);
    expect(result.opened).toBeGreaterThan(COUNT / 2);
  },
  Math.max(60_000, COUNT * 18),
);
