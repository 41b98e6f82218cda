import { expect, test, type TestContext } from 'vitest';
import type { Observation, TraceRecord } from '@lastack/core';
import { loadLibc } from '../src/kernel/ffi.ts';
import { openBpfSource } from '../src/trace/bpf-source.ts';
import { openTracefsSource } from '../src/trace/tracefs-source.ts';
import type { TraceSource } from '../src/trace/trace-source.ts';
import { until } from './kit/condition.ts';
import { openNamespace, type Namespace } from './kit/netns.ts';
import { orSkip } from './kit/or-skip.ts';
import { startProgram } from './kit/program.ts';
import { startTracer } from './kit/tracer.ts';

const PORT = 9000;

interface Summary {
  readonly lost: number;
  readonly forbidden: number;
  readonly changes: readonly { readonly from: string; readonly to: string }[];
  readonly endings: readonly { readonly cause: string; readonly count: number }[];
}

async function namespaceOrSkip(ctx: TestContext): Promise<Namespace> {
  if (process.getuid?.() !== 0) ctx.skip('tracing by BPF needs root');
  return orSkip(ctx, openNamespace());
}

function valueOrSkip<T>(ctx: TestContext, observation: Observation<T>): T {
  if (observation.kind === 'ok') return observation.value;
  return ctx.skip(`${observation.reason}: ${observation.remedy}`);
}

test.for([0, 2])(
  'real traffic makes no change that the model forbids (SYN cookies %i)',
  async (cookies, ctx) => {
    await using ns = await namespaceOrSkip(ctx);
    await ns.set('net.ipv4.tcp_syncookies', cookies);
    await ns.set('net.ipv4.tcp_fastopen', 3);
    const program = await startProgram(ns, 'odd-closes.py', [PORT]);
    const tracer = await startTracer(ns, [`netns = ${ns.inode}`, '--summary', '--json']);
    program.tell('go');
    expect(await program.ended).toBe(0);
    const { stdout } = await tracer.stop();
    const { lost, forbidden, changes, endings } = JSON.parse(stdout) as Summary;
    expect([lost, forbidden]).toEqual([0, 0]);
    expect(endings.map(({ cause }) => cause)).toEqual(
      expect.arrayContaining(['receive RST', 'abort()', 'data unread at close()', 'receive FIN']),
    );
    expect(endings.map(({ cause }) => cause)).not.toContain('unknown');
    expect(changes.map(({ from, to }) => `${from} ${to}`)).toEqual(
      expect.arrayContaining(['SYN-SENT SYN-RECEIVED', 'CLOSE-WAIT CLOSED', 'SYN-SENT CLOSED']),
    );
  },
);

test('a connection that one of several workers may take has no holder', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  const filter = `netns = ${ns.inode} and sport = :${PORT}`;
  const before = await startTracer(ns, [filter, '--json']);
  const server = await startProgram(ns, 'prefork.py', [PORT]);
  const after = await startTracer(ns, [filter, '--json']);
  const client = await startProgram(ns, 'churn.py', ['connect', '127.0.0.1', PORT, 20]);
  client.tell('go');
  const linesOf = (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { to: string; pid: number; holder: object | null })
      .filter(({ to }) => to !== 'LISTEN');
  for (const tracer of [before, after]) {
    await until(() => linesOf(tracer.stdout()).length === 100, '100 transitions');
    const lines = linesOf((await tracer.stop()).stdout);
    expect(new Set(lines.map(({ holder }) => holder))).toEqual(new Set([null]));
    const closers = new Set(lines.filter(({ to }) => to === 'LAST-ACK').map(({ pid }) => pid));
    expect(closers.has(server.pid)).toBe(false);
  }
  client.tell('end');
});

/** Makes connections while nobody reads. @returns how many changes were lost */
async function overflow(ns: Namespace, source: TraceSource): Promise<number> {
  const count = 2000;
  await startProgram(ns, 'churn.py', ['serve', '127.0.0.1', PORT, count]);
  const client = await startProgram(ns, 'churn.py', ['connect', '127.0.0.1', PORT, count]);
  client.tell('go');
  const timeWaits = () => Number(/tw (\d+)/.exec(ns.procNet('sockstat'))?.[1]);
  await until(() => timeWaits() >= 500, '500 connections');
  let seen = 0;
  const take = ({ localPort }: TraceRecord) => void (seen += Number(localPort === PORT));
  await until(() => {
    source.poll(take);
    return source.lost() > 0 && seen > 0;
  }, 'a loss that is counted, and records that are not lost');
  client.tell('end');
  return source.lost();
}

test('what finds no room in the ring buffer is counted', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  using source = valueOrSkip(ctx, openBpfSource(valueOrSkip(ctx, loadLibc()), 4096));
  expect(await overflow(ns, source)).toBeGreaterThan(0);
});

test('what finds no room in the pages of tracefs is counted', async (ctx) => {
  await using ns = await namespaceOrSkip(ctx);
  using source = valueOrSkip(ctx, openTracefsSource(valueOrSkip(ctx, loadLibc()), 8));
  expect(await overflow(ns, source)).toBeGreaterThan(0);
});
