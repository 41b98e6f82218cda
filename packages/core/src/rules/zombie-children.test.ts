import { expect, test } from 'vitest';
import { evidenceOf, processOf, type SocketSpec } from '../../test/evidence.ts';
import { diagnose } from './diagnose.ts';
import { zombieChildren } from './zombie-children.ts';

function pids(count: number, from = 100): number[] {
  return Array.from({ length: count }, (_, at) => from + at);
}

function judge(
  facts: { readonly zombies: number[]; readonly zombiesBefore?: number[] },
  sockets: readonly SocketSpec[] = [{ state: 'LISTEN' }],
) {
  const evidence = evidenceOf({
    sockets,
    owners: [{ pid: 7, fd: 3, inode: 1 }],
    processes: [processOf({ pid: 7, ...facts })],
    windowMs: 2000,
  });
  return diagnose(evidence, [zombieChildren]).findings;
}

test('zombie-children counts the children that were zombies at both looks', () => {
  const [finding] = judge({ zombies: pids(8), zombiesBefore: pids(5) });
  expect(finding).toMatchObject({
    severity: 'warning',
    title: 'server (pid 7) has 5 children that ended and that it does not wait for',
    sockets: 5,
    owners: [{ pid: 7, fds: [3] }],
  });
  expect(finding.why).toContain('zombies 2 s ago already (3 more since)');
});

test('zombie-children is silent about a busy server that waits for its children', () => {
  expect(judge({ zombies: pids(40), zombiesBefore: pids(40, 200) })).toEqual([]);
});

test('zombie-children is silent about four', () => {
  expect(judge({ zombies: pids(4), zombiesBefore: pids(4) })).toEqual([]);
});

test.each([
  [49, 0],
  [50, 1],
])('zombie-children at one look takes %i children for %i findings', (count, findings) => {
  expect(judge({ zombies: pids(count) }).length).toBe(findings);
});

test('zombie-children is silent about a process without TCP sockets', () => {
  expect(judge({ zombies: pids(9), zombiesBefore: pids(9) }, [])).toEqual([]);
});

test('zombie-children is critical from a thousand on', () => {
  expect(judge({ zombies: pids(1000), zombiesBefore: pids(1000) })[0].severity).toBe('critical');
});
