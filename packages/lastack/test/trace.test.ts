import { readFileSync, readdirSync } from 'node:fs';
import { expect, test, type TestContext } from 'vitest';
import { loadLibc } from '../src/kernel/ffi.ts';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';
import { openNamespace, type Namespace } from './kit/netns.ts';
import { orSkip } from './kit/or-skip.ts';
import { startProgram, type Program } from './kit/program.ts';
import { schemaErrors } from './kit/schema.ts';
import { startTracer, type Tracer } from './kit/tracer.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const PORT = 9000;

interface Transition {
  readonly cookie: number | null;
  readonly netns: number | null;
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  readonly from: string | null;
  readonly to: string;
  readonly pid: number | null;
  readonly command: string | null;
  readonly cause: string;
  readonly holder: { readonly pid: number } | null;
  readonly allowed: boolean;
}

interface Summary {
  readonly transitions: number;
  readonly lost: number;
  readonly forbidden: number;
  readonly changes: readonly {
    readonly from: string | null;
    readonly to: string;
    readonly count: number;
  }[];
}

async function namespaceOrSkip(ctx: TestContext): Promise<Namespace> {
  if (!isRoot) ctx.skip('tracing by BPF and tracefs needs root');
  return orSkip(ctx, openNamespace());
}

interface Churn {
  readonly server: Program;
  readonly client: Program;
  /** Makes the connections; both programs go on living. */
  go(): void;
  end(): void;
}

async function startChurn(ns: Namespace, count: number, address = '127.0.0.1'): Promise<Churn> {
  const server = await startProgram(ns, 'churn.py', ['serve', address, PORT, count]);
  const client = await startProgram(ns, 'churn.py', ['connect', address, PORT, count]);
  return {
    server,
    client,
    go: () => client.tell('go'),
    end() {
      client.tell('end');
      server.tell('end');
    },
  };
}

/** What each connection of churn.py goes through, and how often it must be seen. */
function changesOf(count: number, last: 'TIME-WAIT' | 'CLOSED') {
  return [
    ['CLOSED', 'SYN-SENT'],
    ['SYN-SENT', 'ESTABLISHED'],
    ['ESTABLISHED', 'FIN-WAIT-1'],
    ['FIN-WAIT-1', 'FIN-WAIT-2'],
    ['FIN-WAIT-2', last],
    ['LISTEN', 'SYN-RECEIVED'],
    ['SYN-RECEIVED', 'ESTABLISHED'],
    ['ESTABLISHED', 'CLOSE-WAIT'],
    ['CLOSE-WAIT', 'LAST-ACK'],
    ['LAST-ACK', 'CLOSED'],
  ].map(([from, to]) => ({ from, to, count }));
}

function transitionsOf(text: string): Transition[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const transition = JSON.parse(line) as Transition;
      expect(schemaErrors('transition', transition)).toBeNull();
      return transition;
    });
}

function summaryOf(text: string): Summary {
  const summary = JSON.parse(text) as Summary;
  expect(schemaErrors('trace-summary', summary)).toBeNull();
  return summary;
}

const inside = (ns: Namespace) => `netns = ${ns.inode}`;
const countLines = (tracer: Tracer) => tracer.stdout().split('\n').length - 1;

test('trace sees every transition of 10,000 connections, and who opens and closes them', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 10_000);
  const tracer = await startTracer(ns, [inside(ns), '--json']);
  churn.go();
  await until(
    () => countLines(tracer) >= 100_000,
    () => `100,000 lines, not ${countLines(tracer)}`,
  );
  const { status, stderr, stdout } = await tracer.stop();
  expect([status, stderr]).toEqual([0, 'lastack: tracing by BPF. Ctrl-C ends it.\n']);
  const transitions = transitionsOf(stdout);
  const counts = new Map<string, number>();
  const wrong: Transition[] = [];
  const makers: Readonly<Record<string, number>> = {
    'CLOSED SYN-SENT': churn.client.pid,
    'ESTABLISHED FIN-WAIT-1': churn.client.pid,
    'CLOSE-WAIT LAST-ACK': churn.server.pid,
  };
  for (const each of transitions) {
    const change = `${each.from} ${each.to}`;
    counts.set(change, (counts.get(change) ?? 0) + 1);
    const holder = each.remote.port === PORT ? churn.client.pid : churn.server.pid;
    const isRight = each.pid === (makers[change] ?? null) && each.holder?.pid === holder;
    if (!isRight || each.netns !== ns.inode || !each.allowed) wrong.push(each);
  }
  expect(wrong).toEqual([]);
  expect(counts).toEqual(
    new Map(changesOf(10_000, 'TIME-WAIT').map(({ from, to, count }) => [`${from} ${to}`, count])),
  );
  expect(new Set(transitions.map(({ cookie }) => cookie)).size).toBe(20_000);
});

test('tracefs sees every transition, too', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 10_000);
  const filter = `sport = :${PORT} or dport = :${PORT}`;
  // Others on this host may use the port: those of our programs.
  const tracer = await startTracer(ns, [filter, '--json'], { tracefs: true });
  churn.go();
  const ours = () =>
    transitionsOf(tracer.stdout().slice(0, tracer.stdout().lastIndexOf('\n'))).filter(
      ({ holder }) => [churn.client.pid, churn.server.pid].includes(holder?.pid ?? 0),
    );
  await until(() => countLines(tracer) >= 100_000 && ours().length >= 100_000, '100,000 lines');
  const { status, stderr } = await tracer.stop();
  expect(status).toBe(0);
  expect(stderr).toContain('tracing by tracefs. Not known: cookies, network namespaces');
  expect(stderr).not.toContain('lost');
  const counts = new Map<string, number>();
  for (const { from, to } of ours()) {
    counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1);
  }
  expect(counts).toEqual(
    new Map(changesOf(10_000, 'CLOSED').map(({ from, to, count }) => [`${from} ${to}`, count])),
  );
  const closers = ours().filter(({ to }) => to === 'LAST-ACK');
  expect(closers.every(({ pid }) => pid === churn.server.pid)).toBe(true);
});

test('without rights only ends are announced, and trace says what it cannot tell', async (ctx) => {
  const ns = await orSkip(ctx, openNamespace());
  await using _ = ns;
  const churn = await startChurn(ns, 3);
  const tracer = await startTracer(ns, ['--json', '--count', '6'], isRoot ? { uid: NOBODY } : {});
  expect(tracer.stderr()).toContain('BPF is not permitted; run as root or with CAP_BPF');
  expect(tracer.stderr()).toContain('tracing by destroy multicast');
  expect(tracer.stderr()).toContain('Not known: all but that a socket is gone');
  churn.go();
  churn.end();
  const { status, stdout } = await tracer.ended;
  expect(status).toBe(0);
  const transitions = transitionsOf(stdout);
  expect(transitions).toHaveLength(6);
  for (const each of transitions) {
    expect(each).toMatchObject({ from: null, to: 'CLOSED', pid: null, cause: 'unknown' });
  }
});

/** Numbers of a process's BPF objects that the kernel knows them by. */
function bpfObjectsOf(pid: number): { readonly kind: 'link' | 'map'; readonly id: number }[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    return (['link', 'map'] as const).flatMap((kind) => {
      const id = new RegExp(`^${kind}_id:\t(\\d+)$`, 'm').exec(info)?.[1];
      return id === undefined ? [] : [{ kind, id: Number(id) }];
    });
  });
}

/** BPF_MAP_GET_FD_BY_ID, BPF_LINK_GET_FD_BY_ID. */
const FD_BY_ID = { map: 14, link: 30 } as const;

function isInKernel({ kind, id }: { readonly kind: 'link' | 'map'; readonly id: number }): boolean {
  const libc = loadLibc();
  if (libc.kind === 'unavailable') throw new Error(libc.reason);
  const attributes = Buffer.from(new ArrayBuffer(16));
  attributes.writeUInt32LE(id, 0);
  const fd = libc.value.bpf(FD_BY_ID[kind], attributes, attributes.length);
  if (fd >= 0) libc.value.close(fd);
  return fd >= 0;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test(`after ${signal} nothing of BPF is left in the kernel`, async (ctx) => {
    await using ns = await namespaceOrSkip(ctx);
    const tracer = await startTracer(ns, ['--summary', inside(ns)]);
    const objects = bpfObjectsOf(tracer.pid);
    expect(objects.map(({ kind }) => kind).toSorted()).toEqual(['link', 'map', 'map']);
    expect(objects.filter(isInKernel)).toEqual(objects);
    const { status } = await tracer.stop(signal);
    expect(status).toBe(signal === 'SIGKILL' ? 137 : 0);
    await until(() => !objects.some(isInKernel), 'the kernel to forget them');
  });
}

test('a tracefs instance ends with its trace, or with the next one after kill -9', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const list = 'mount -t tracefs tracefs /sys/kernel/tracing && ls /sys/kernel/tracing/instances';
  const instances = async () => {
    const text = await ns.do('unshare', ['--mount', 'sh', '-c', list]);
    return text.split('\n').filter((name) => name !== '');
  };
  const first = await startTracer(ns, ['--summary'], { tracefs: true });
  expect(await instances()).toContain(`lastack-${first.pid}`);
  await first.stop('SIGKILL');
  expect(await instances()).toContain(`lastack-${first.pid}`);
  const second = await startTracer(ns, ['--summary'], { tracefs: true });
  const now = await instances();
  expect(now).toContain(`lastack-${second.pid}`);
  expect(now).not.toContain(`lastack-${first.pid}`);
  expect((await second.stop()).status).toBe(0);
  expect(await instances()).not.toContain(`lastack-${second.pid}`);
});

test('--summary counts, --count and --for end the trace', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 50);
  const limited = await startTracer(ns, [inside(ns), '--summary', '--json', '--count', '500']);
  churn.go();
  const { status, stdout } = await limited.ended;
  expect(status).toBe(0);
  const summary = summaryOf(stdout);
  expect(summary).toMatchObject({ transitions: 500, lost: 0, forbidden: 0 });
  expect(summary.changes).toHaveLength(10);
  expect(summary.changes).toEqual(expect.arrayContaining(changesOf(50, 'TIME-WAIT')));
  const timed = await startTracer(ns, [inside(ns), '--summary', '--for', '50ms']);
  const output = await timed.ended;
  expect(output.status).toBe(0);
  expect(output.stdout).toBe('0 transitions, 0 lost\n');
});

test('--pid shows the connections of one process, also those of a server that was there before', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 3);
  const args = ['--json', '--count', '15', '--pid', String(churn.server.pid)];
  const tracer = await startTracer(ns, args);
  churn.go();
  const transitions = transitionsOf((await tracer.ended).stdout);
  expect(transitions.every(({ local }) => local.port === PORT)).toBe(true);
  expect(transitions.map(({ to }) => to)).toContain('SYN-RECEIVED');
});

test('IPv6 is traced, and the lines stand in columns', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 1, '::1');
  const tracer = await startTracer(ns, [inside(ns), '--count', '10']);
  churn.go();
  const [header, ...lines] = (await tracer.ended).stdout.trimEnd().split('\n');
  expect(header).toMatch(/^Time +State +After +Local → remote +Why +Process$/);
  expect(lines).toHaveLength(10);
  const connected = lines.find((line) => line.includes('SYN-SENT → ESTABLISHED')) ?? '';
  expect(connected).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} .* \[::1\]:\d+ → \[::1\]:9000 +receive SYN ACK +\(python3\S* \d+\)$/,
  );
  for (const line of lines) {
    expect(line.indexOf('[::1]')).toBe(header.indexOf('Local'));
  }
});

test('--diagram draws both ends of a connection', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 1);
  const tracer = await startTracer(ns, [inside(ns), '--diagram']);
  churn.go();
  const { status, stdout } = await tracer.ended;
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/127\.0\.0\.1:\d+ .* 127\.0\.0\.1:9000$/);
  const drawn = lines
    .slice(1)
    .map((line) => line.replace(/^ *[\d.]+ ms */, '').replaceAll(/ +/g, ' '));
  expect(drawn.filter((line) => !line.includes('┄'))).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^SYN-SENT ─+ SYN ─+▶ SYN-RECEIVED$/),
      expect.stringMatching(/^ESTABLISHED ◀─+ SYN ACK ─+$/),
      expect.stringMatching(/^─+ ACK ─+▶ ESTABLISHED$/),
      expect.stringMatching(/^FIN-WAIT-1 ─+ FIN ─+▶ CLOSE-WAIT$/),
      expect.stringMatching(/^─+ ACK ─+▶ CLOSED$/),
    ]),
  );
  expect(drawn.join('\n')).toMatch(/FIN-WAIT-2 ◀─+ ACK[^]*TIME-WAIT ◀.* FIN /);
});

test('--diagram draws one end where the filter hides the other', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 1);
  const tracer = await startTracer(ns, [`${inside(ns)} and sport = :${PORT}`, '--diagram']);
  churn.go();
  const { stdout } = await tracer.ended;
  expect(stdout).toMatch(/^ +127\.0\.0\.1:9000 .* 127\.0\.0\.1:\d+\n/);
  for (const state of ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED']) {
    expect(stdout).toMatch(new RegExp(`ms +${state}`));
  }
});

test('it ends quietly when its reader has gone', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const churn = await startChurn(ns, 2000);
  const tracer = await startTracer(ns, [inside(ns)]);
  tracer.child.stdout.destroy();
  churn.go();
  const { status, stderr } = await tracer.ended;
  expect([status, stderr]).toEqual([0, 'lastack: tracing by BPF. Ctrl-C ends it.\n']);
});

test.each([
  ['pid = 1', 'trace cannot filter by pid and comm (use --pid)'],
  ['age > 1s', 'trace cannot filter by age'],
  ['recvq > 0', 'trace cannot filter by recvq'],
  ['uid = 0', 'trace cannot filter by uid'],
  ['sport = ', 'sport'],
])('the filter %s is misuse', async (filter, message) => {
  const { status, stdout, stderr } = await runLastack(['trace', filter, '--for', '0']);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

test('a way of tracing that does not know namespaces refuses a filter by them', async () => {
  const args = ['trace', 'netns = 1', '--with', 'destroy multicast', '--for', '0'];
  const { status, stderr } = await runLastack(args);
  expect(status).toBe(2);
  expect(stderr).toBe('lastack: trace by destroy multicast cannot filter by netns.\n');
});
