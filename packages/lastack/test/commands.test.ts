import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';
import { orSkip } from './kit/or-skip.ts';
import { startScenario } from './kit/scenario.ts';
import { scenarioOf } from './scenarios.ts';

test('demo shows a finding with its holder, cause and fix, then the repaired server, and ends both', async () => {
  const { status, stdout, stderr } = await runLastack(['demo']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const pids = [...stdout.matchAll(/^\d\. lastack doctor --pid (\d+)$/gm)].map(([, pid]) =>
    Number(pid),
  );
  expect(pids).toHaveLength(2);
  expect(stdout).toMatch(/close-wait-leak {3}node \(pid \d+\) holds 25 sockets/);
  expect(stdout).toMatch(/holder +node \(pid \d+\) fd \d+/);
  expect(stdout).toMatch(/why +eof-ignored: /);
  expect(stdout).toMatch(/fix +/);
  expect(stdout.slice(stdout.indexOf('4. lastack doctor'))).toMatch(/No findings/);
  for (const pid of pids) await expect(stat(`/proc/${pid}`)).rejects.toThrow('ENOENT');
});

test('a record holds what doctor and ls need, on its own', async (ctx) => {
  await using running = await orSkip(ctx, startScenario(scenarioOf('eof-kept')));
  const folder = await mkdtemp(join(tmpdir(), 'lastack-record-'));
  try {
    const file = join(folder, 'record');
    await until(
      async () => {
        const { status } = await runLastack(['record', file, '--for', '1s'], running);
        expect(status).toBe(0);
        const { stdout } = await runLastack(['doctor', '--replay', file, '--json']);
        return JSON.parse(stdout).findings.length > 0;
      },
      'a record with a finding',
      { withinMs: 40_000 },
    );
    const { stdout } = await runLastack(['ls', '--replay', file, '-H', 'state', 'close-wait']);
    expect(stdout.trim().split('\n')).toHaveLength(running.sockets.length);
    expect(stdout).toContain(`pid=${running.holders[0]}`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('kill shows the sockets, closes them with --yes, and leaves the descriptors to the program', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('SOCK_DESTROY needs root');
  await using running = await orSkip(ctx, startScenario(scenarioOf('eof-kept')));
  const count = running.sockets.length;
  const shown = await runLastack(['kill', 'state', 'close-wait'], running);
  expect(shown.stdout).toContain(`Would close ${count} sockets`);
  const listed = await runLastack(['ls', '-H', 'state', 'close-wait'], running);
  expect(listed.stdout.trim().split('\n')).toHaveLength(count);
  const done = await runLastack(['kill', 'state', 'close-wait', '--yes'], running);
  expect(done.stdout).toContain(`Closed ${count}`);
  const after = await runLastack(['ls', '-H', 'state', 'close-wait'], running);
  expect(after.stdout).toBe('');
  const { stdout } = await runLastack(['doctor', '--json', '--for', '1s'], running);
  expect(JSON.parse(stdout).findings).toMatchObject([{ rule: 'dead-descriptor', sockets: count }]);
});

test('kill without rights closes nothing and says what it needs', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root, to become somebody else');
  await using running = await orSkip(ctx, startScenario(scenarioOf('eof-kept')));
  const { status, stderr } = await runLastack(['kill', 'state', 'close-wait', '--yes'], {
    ...running,
    uid: 65_534,
  });
  expect(status).toBe(2);
  expect(stderr).toContain('run as root or with CAP_NET_ADMIN');
});

test('--pid looks into the network namespace of that process', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('entering a namespace needs root');
  await using running = await orSkip(ctx, startScenario(scenarioOf('eof-kept')));
  const [pid] = running.holders;
  const report = await until(
    async () => {
      const { stdout } = await runLastack([
        'doctor',
        '--json',
        '--for',
        '1s',
        '--pid',
        String(pid),
      ]);
      const { findings } = JSON.parse(stdout);
      return findings.length > 0 ? findings : null;
    },
    'a finding from outside',
    { withinMs: 40_000 },
  );
  expect(report).toMatchObject([{ rule: 'close-wait-leak', owners: [{ pid }] }]);
});

test('--watch reports again and again until it is interrupted, and growth counts from its begin', async (ctx) => {
  await using running = await orSkip(ctx, startScenario(scenarioOf('eof-kept')));
  const { namespace } = running;
  const { stdout } = await namespace.run('timeout', [
    '-s',
    'INT',
    '6',
    process.execPath,
    new URL('../bin/lastack.cjs', import.meta.url).pathname,
    'doctor',
    '--json',
    '--watch',
    '1s',
  ]);
  const windows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).windowMs as number);
  expect(windows.length).toBeGreaterThan(1);
  expect(windows).toEqual(windows.toSorted((a, b) => a - b));
  expect(windows.at(-1)).toBeGreaterThan(1900);
});

test('obsolete-sysctl finds a setting of an old guide, with its file and line', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root, to put a file where only this test sees it');
  await using running = await orSkip(ctx, startScenario(scenarioOf('eof-kept')));
  const { stdout } = await running.namespace.run('unshare', [
    '--mount',
    'sh',
    '-c',
    `mount -t tmpfs none /etc/sysctl.d && echo '# tuned
net.ipv4.tcp_tw_recycle = 1' > /etc/sysctl.d/99-tuning.conf && exec "$0" "$1" doctor --json --for 0`,
    process.execPath,
    new URL('../bin/lastack.cjs', import.meta.url).pathname,
  ]);
  const { findings } = JSON.parse(stdout) as {
    findings: { rule: string; why: string; title: string }[];
  };
  const found = findings.find(({ rule }) => rule === 'obsolete-sysctl');
  expect(`${found?.title} ${found?.why}`).toContain('/etc/sysctl.d/99-tuning.conf:2');
});
