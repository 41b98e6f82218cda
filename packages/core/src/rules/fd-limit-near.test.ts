import { expect, test } from 'vitest';
import { evidenceOf, processOf, type SocketSpec } from '../../test/evidence.ts';
import { seen, unavailable } from '../evidence/observation.ts';
import type { DescriptorUse } from '../evidence/process-facts.ts';
import { diagnose } from './diagnose.ts';
import { fdLimitNear } from './fd-limit-near.ts';

const one: readonly SocketSpec[] = [{ state: 'ESTABLISHED' }];

function judge(use: DescriptorUse, sockets = one, windowMs = 0, netns?: number) {
  const evidence = evidenceOf({
    sockets,
    owners: sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 })),
    processes: [
      processOf({ pid: 7, descriptors: seen(use), ...(netns !== undefined && { netns }) }),
    ],
    windowMs,
  });
  return diagnose(evidence, [fdLimitNear]).findings;
}

test('fd-limit-near names how many descriptors are TCP sockets, in which states, and what is left', () => {
  const [finding] = judge({ open: 60, limit: 64 }, [
    { state: 'LISTEN' },
    { state: 'CLOSE-WAIT' },
    { state: 'CLOSE-WAIT' },
  ]);
  expect(finding).toMatchObject({
    severity: 'warning',
    title: 'server (pid 7) has 60 of 64 descriptors open (93 %)',
    sockets: 3,
    owners: [{ pid: 7, fds: [3, 4, 5] }],
    rows: [0, 1, 2],
  });
  expect(finding.why).toContain('3 of them are TCP sockets: 2 CLOSE-WAIT, 1 LISTEN');
  expect(finding.why).toContain('after 4 more');
});

test.each([
  [79, undefined],
  [80, 'warning'],
  [94, 'warning'],
  [95, 'critical'],
  [100, 'critical'],
])('fd-limit-near judges %i of 100 descriptors as %s', (open, severity) => {
  expect(judge({ open, limit: 100 })[0]?.severity).toBe(severity);
});

test('fd-limit-near is silent about a process without a limit', () => {
  expect(judge({ open: 1_000_000, limit: null })).toEqual([]);
});

test('fd-limit-near is silent about a sandbox that has lowered its limit below what it has open', () => {
  expect(judge({ open: 5, limit: 0 })).toEqual([]);
});

test('fd-limit-near is silent about a process whose sockets are in a namespace that was not looked at', () => {
  expect(judge({ open: 99, limit: 100 }, [])).toEqual([]);
  expect(judge({ open: 99, limit: 100 }, [], 0, 2)).toEqual([]);
  expect(judge({ open: 99, limit: 100 }, [], 0, 1)[0].why).toContain(
    'none of them is a TCP socket',
  );
});

test('fd-limit-near forecasts the end from what was opened in the window', () => {
  const [{ growth, forecast }] = judge({ open: 800, openBefore: 780, limit: 1000 }, one, 60_000);
  expect(growth).toEqual({ perMinute: 20, basis: 'observed', windowMs: 60_000 });
  expect(forecast?.at).toBe(Date.UTC(2026, 0, 1) + 10 * 60_000);
});

test('fd-limit-near forecasts nothing for a process that closes as many as it opens', () => {
  expect(judge({ open: 800, openBefore: 820, limit: 1000 }, one, 60_000)[0].forecast).toBeNull();
});

test('fd-limit-near says that the host runs out of file handles', () => {
  const settings = { 'fs.file-nr': '96000 0 100000', 'fs.file-max': '100000' };
  const [finding] = diagnose(evidenceOf({ settings }), [fdLimitNear]).findings;
  expect(finding.severity).toBe('critical');
  expect(finding.title).toBe('the host has 96,000 of 100,000 file handles open (96 %)');
});

test('fd-limit-near says which processes it could not look into', () => {
  const descriptors = unavailable('cannot read /proc/7/fd: permission denied', 'run as root');
  const processes = [7, 8, 9].map((pid) => processOf({ pid, descriptors }));
  expect(diagnose(evidenceOf({ processes }), [fdLimitNear]).unknown).toEqual([
    {
      rule: 'fd-limit-near',
      reason: 'cannot read /proc/7/fd: permission denied (and 2 processes more)',
      remedy: 'run as root',
    },
  ]);
});

test('fd-limit-near makes one finding of the workers of one server', () => {
  const worker = (pid: number, open: number, parentPid = 10) =>
    processOf({
      pid,
      parentPid,
      command: 'worker',
      descriptors: seen({ open, openBefore: open - 10, limit: 64 }),
    });
  const evidence = evidenceOf({
    sockets: [{ state: 'LISTEN' }, { state: 'CLOSE-WAIT' }, { state: 'CLOSE-WAIT' }],
    owners: [
      ...[21, 22, 23, 24].map((pid) => ({ pid, fd: 3, inode: 1 })),
      { pid: 21, fd: 4, inode: 2 },
      { pid: 22, fd: 4, inode: 3 },
    ],
    processes: [worker(21, 60), worker(22, 63), worker(23, 52), worker(24, 55, 11)],
    windowMs: 60_000,
  });
  const { findings } = diagnose(evidence, [fdLimitNear]);
  expect(findings).toMatchObject([
    {
      severity: 'critical',
      title: 'worker (pids 22, 21 and 23) have up to 63 of 64 descriptors open (98 %) each',
      sockets: 3,
      growth: { perMinute: 10 },
      forecast: { at: evidence.at + 6000 },
    },
    { severity: 'warning', title: 'worker (pid 24) has 55 of 64 descriptors open (85 %)' },
  ]);
  expect(findings[0].why).toContain('after 1 more in pid 22');
});
