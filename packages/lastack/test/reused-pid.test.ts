import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Location } from '@lastack/core';
import { findPython, isInstalled, PROGRAM_ENV } from './kit/installed.ts';
import { ENTRY } from './kit/lastack.ts';

const PROGRAM = fileURLToPath(new URL('programs/reuses-pid.py', import.meta.url));
const run = promisify(execFile);

interface Outcome {
  readonly pid: number;
  readonly report: {
    readonly findings: readonly {
      readonly rule: string;
      readonly why: string;
      readonly owners: readonly { readonly pid: number }[];
      readonly locations: readonly Location[];
    }[];
  };
}

test('a process that gets the number of another meanwhile is told by what it does itself', async (ctx) => {
  const python = findPython('python3') ?? ctx.skip('no python3 that runs');
  if (!isInstalled('unshare')) ctx.skip('unshare is missing: install util-linux');
  const identity = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  // The first process of the namespace ends with unshare, and everything inside with it.
  const namespace = [...identity, '--pid', '--fork', '--kill-child', '--mount-proc'];
  await run('unshare', [...namespace, 'true']).catch(() =>
    ctx.skip('no pid namespace can be had here'),
  );
  const lastack = [process.execPath, ENTRY, 'doctor', '--json', '--pid', 'PID', '--for', '14s'];
  const { stdout } = await run('unshare', [...namespace, python, PROGRAM, ...lastack], {
    env: PROGRAM_ENV,
  });
  const { pid, report } = JSON.parse(stdout) as Outcome;
  const [finding, ...others] = report.findings;
  expect(others).toEqual([]);
  expect(finding.rule).toBe('close-wait-leak');
  expect(finding.owners.map((owner) => owner.pid)).toEqual([pid]);
  // The threads of the first, which slept, were sampled; its line would be another.
  expect(finding.why).not.toMatch(/sleep/);
  expect(finding.locations.map(({ role, line }) => ({ role, line }))).toEqual([
    { role: 'executing', line: 10 },
  ]);
});
