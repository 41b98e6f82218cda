import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { until } from './kit/condition.ts';
import { ENTRY, runLastack } from './kit/lastack.ts';
import { schemaErrors } from './kit/schema.ts';

const NOBODY = 65_534;
const LAB_MS = 480_000;

interface Result {
  readonly id: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly reason: string | null;
  readonly method: string | null;
}

test('lab list --json says what there is', async () => {
  const { status, stdout } = await runLastack(['lab', 'list', '--json']);
  expect(status).toBe(0);
  const list: unknown = JSON.parse(stdout);
  expect(schemaErrors('lab', list)).toBeNull();
  expect(list).toContainEqual(expect.objectContaining({ id: 'stuck-server' }));
});

test('lab without a scenario lists them, and says which faults are not made', async () => {
  const { status, stdout } = await runLastack(['lab']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^time-wait +TIME-WAIT of the side that closes first/m);
  expect(stdout).toMatch(/^orphan-pressure +tcp_max_orphans/m);
});

test('misuse ends with 2', async () => {
  for (const args of [
    ['no-such'],
    ['all', '--keep'],
    ['all', '--jobs', '0'],
    ['all', '--jobs', 'x'],
  ]) {
    const { status, stderr } = await runLastack(['lab', ...args]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^lastack: /)]);
  }
});

test('lab SCENARIO shows what was expected beside what was observed', async (ctx) => {
  const { status, stdout } = await runLastack(['lab', 'client-closes-first']);
  expect(status, stdout).toBe(0);
  if (stdout.startsWith('SKIP')) ctx.skip(stdout);
  expect(stdout).toMatch(/^ {2}client +by the model +observed, 5 connections$/m);
  expect(stdout).toMatch(/^ +TIME-WAIT +TIME-WAIT +\d+ ms$/m);
  expect(stdout).toMatch(/TIME-WAIT of the client counts down from 60 s: \d+\.\d s left after/);
});

test('lab all: everything that can be made here is as expected', { timeout: LAB_MS }, async () => {
  const results = await runAll();
  expect(results.find(({ id }) => id === 'time-wait-to-its-end')).toMatchObject({
    outcome: 'skipped',
    reason: expect.stringContaining('--long'),
  });
});

test(
  'lab all as an ordinary user: what needs root is skipped with the reason',
  { timeout: LAB_MS },
  async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('needs root, to become somebody else');
    const results = await runAll(NOBODY);
    expect(results.find(({ id }) => id === 'keepalive-hides-a-leak')).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('root'),
    });
  },
);

async function runAll(uid?: number): Promise<Result[]> {
  const { status, stdout, stderr } = await runLastack(
    ['lab', 'all', '--json', '--jobs', '4'],
    uid === undefined ? {} : { uid },
  );
  const lines = stdout.trim().split('\n');
  const results = lines.map((line) => JSON.parse(line) as Result);
  for (const result of results) expect(schemaErrors('lab', result)).toBeNull();
  const failed = lines.filter((_, i) => results[i].outcome === 'failed');
  expect(failed, stderr).toEqual([]);
  expect(status).toBe(0);
  const unexplained = results.filter(({ outcome, reason }) => outcome === 'skipped' && !reason);
  expect(unexplained).toEqual([]);
  expect(results.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(30);
  return results;
}

test('--keep leaves the scenario to be looked at until Ctrl-C, and then ends every process of it', async () => {
  const lab = startLab(['client-closes-first', '--keep']);
  try {
    await until(() => lab.text().includes('Ctrl-C ends it'), 'the end of the scenario', {
      withinMs: 60_000,
    });
    expect(lab.text()).toMatch(/ss -tanp/);
    const pids = descendantsOf(lab.pid);
    expect(pids.length).toBeGreaterThanOrEqual(3);
    lab.kill('SIGINT');
    expect(await lab.ended).toEqual([0, null]);
    await until(() => pids.every((pid) => !isAlive(pid)), 'the end of all processes');
  } finally {
    lab.kill('SIGKILL');
  }
});

test('a lab that is killed leaves no process behind, not even one that spins', async () => {
  const lab = startLab(['stuck-server', '--keep']);
  try {
    const pids = await until(
      () => {
        const all = descendantsOf(lab.pid);
        return all.length >= 3 ? all : null;
      },
      'the stage and its programs',
      { withinMs: 60_000 },
    );
    lab.kill('SIGKILL');
    expect(await lab.ended).toEqual([null, 'SIGKILL']);
    await until(() => pids.every((pid) => !isAlive(pid)), 'the end of all processes');
  } finally {
    lab.kill('SIGKILL');
  }
});

function startLab(args: readonly string[]) {
  const child = spawn(process.execPath, [ENTRY, 'lab', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return {
    pid: child.pid ?? 0,
    text: () => text,
    ended: once(child, 'close'),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
  };
}

/** Fields of /proc/PID/stat behind the command: the state and the parent. */
function statOf(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return null;
  }
}

/** Whoever waits for it may be slow: a zombie has ended. */
function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== 'Z';
}

function descendantsOf(root: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), Number(statOf(Number(name))?.[1])] as const),
  );
  const found = [root];
  for (const ancestor of found) {
    for (const [pid, parent] of parents) if (parent === ancestor) found.push(pid);
  }
  return found.slice(1);
}
