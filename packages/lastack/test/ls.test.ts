import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';
import { NamespaceUnavailable, openNamespace, type Namespace } from './kit/netns.ts';
import { schemaErrors } from './kit/schema.ts';
import { openCrowd, openZoo } from './kit/zoo.ts';

const CROWD = 30_000;

/** Filters that must find the same sockets here as in ss. */
const FILTERS = [
  'state close-wait',
  'state connected',
  'state synchronized exclude established',
  'state bucket',
  'state big',
  'exclude listening',
  'sport = :7100',
  'sport gt :7150 and dport >= :30000',
  'dport lt :40000 or sport eq :7201',
  '( sport = :7200 or sport = :7201 ) and not dst 127.0.0.0/8',
  'src 127.0.0.1',
  'dst [::1]',
  'src [::1] or dst [::1]:7201',
  'src inet:127.0.0.0/8',
  'state established src 127.0.0.0/24 sport ne :7200',
  'dev lo',
  '! ( src 127.0.0.1 | sport != :7201 )',
];

let opened: Namespace | null = null;
let unavailable = '';

beforeAll(async () => {
  try {
    opened = await openNamespace();
    await openCrowd(opened, CROWD);
    await openZoo(opened);
  } catch (error) {
    if (!(error instanceof NamespaceUnavailable)) throw error;
    unavailable = error.message;
  }
}, 120_000);

afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
});

describe('ls', () => {
  test('prints the rows of ss, one for one, with every holder', async (ctx) => {
    const ns = namespaceOrSkip(ctx);
    const rows = await agreement(ns, ['-p'], []);
    expect(rows).toBeGreaterThan(CROWD);
  });

  for (const filter of FILTERS) {
    test(`finds what ss finds with ${filter}`, async (ctx) => {
      const ns = namespaceOrSkip(ctx);
      expect(await agreement(ns, [], ['--no-owners'], filter)).toBeGreaterThan(0);
    });
  }

  test('reads a dump of ss through TCPDIAG_FILE', async (ctx) => {
    const ns = namespaceOrSkip(ctx);
    const dump = `/tmp/lastack-test-${process.pid}.dump`;
    await ns.run('ss', ['-t', '-a', '-D', dump]);
    // A dump may come from anywhere, so that the names of its devices are not known.
    const filter = ['ls', '-n', '-H', '--no-owners', 'state', 'listening', 'not', 'dev', 'lo'];
    const { stdout } = await runLastack(filter, { namespace: ns, env: { TCPDIAG_FILE: dump } });
    const { stdout: live } = await runLastack(filter, { namespace: ns });
    await ns.run('rm', [dump]);
    expect(rowsOf(stdout)).toEqual(rowsOf(live));
  });

  test('prints the same from /proc/net/tcp as from sock_diag, but for ages and queues of listeners', async (ctx) => {
    const ns = namespaceOrSkip(ctx);
    const args = ['ls', '-n', '-H', '--no-owners', 'exclude', 'listening', 'exclude', 'closed'];
    const netlink = await runLastack(args, { namespace: ns });
    const text = await runLastack(args, { namespace: ns, env: { LASTACK_NO_FFI: '1' } });
    expect(text.stderr).toContain('/proc/net/tcp');
    const without = (rows: readonly string[]) => rows.map((row) => row.replaceAll(/%\w+/g, ''));
    expect(difference(without(rowsOf(text.stdout)), without(rowsOf(netlink.stdout)))).toEqual([]);
    expect(difference(without(rowsOf(netlink.stdout)), without(rowsOf(text.stdout)))).toEqual([]);
  });

  test('--json says of each socket what the schema promises', async (ctx) => {
    const ns = namespaceOrSkip(ctx);
    const { stdout } = await runLastack(['ls', '--json'], { namespace: ns });
    const lines = stdout.trim().split('\n');
    expect(lines.length).toBeGreaterThan(CROWD);
    const wrong = lines.map((line) => schemaErrors('socket', JSON.parse(line)));
    expect(wrong.filter((error) => error !== null)).toEqual([]);
    const closeWait = lines.find((line) => line.includes('"CLOSE-WAIT"')) ?? '';
    expect(JSON.parse(closeWait).age.minMs).toBeGreaterThan(0);
  });

  test('--summary counts every socket once', async (ctx) => {
    const ns = namespaceOrSkip(ctx);
    const { stdout } = await runLastack(['ls', '--summary', '--json'], { namespace: ns });
    const summary = JSON.parse(stdout);
    expect(schemaErrors('summary', summary)).toBeNull();
    const counts = Object.values<number>(summary.states);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(summary.total);
    expect(summary.total).toBeGreaterThan(CROWD);
  });
});

function namespaceOrSkip(ctx: TestContext): Namespace {
  if (opened === null) ctx.skip(unavailable);
  return opened;
}

/**
 * Compares until both print the same rows, and says how many. The kernel's table is one for all namespaces: while sockets come
 * and go elsewhere on the host, a dump may miss a row (net/ipv4/inet_diag.c resumes by its number in a chain), in ss as here.
 */
async function agreement(...args: Parameters<typeof bothOf>): Promise<number> {
  let last = { theirs: [''], ours: [''] };
  await until(
    async () => {
      last = await bothOf(...args);
      const { theirs, ours } = last;
      return difference(ours, theirs).length === 0 && difference(theirs, ours).length === 0;
    },
    () => {
      const { theirs, ours } = last;
      return `the same rows; only ours: ${JSON.stringify(difference(ours, theirs).slice(0, 9))}, only theirs: ${JSON.stringify(difference(theirs, ours).slice(0, 9))}`;
    },
  );
  return last.theirs.length;
}

async function bothOf(
  ns: Namespace,
  ssOptions: readonly string[],
  options: readonly string[],
  filter = '',
): Promise<{ theirs: string[]; ours: string[] }> {
  const words = filter === '' ? [] : filter.split(' ');
  const [ss, ls] = await Promise.all([
    ns.run('ss', ['-tanH', ...ssOptions, ...words]),
    runLastack(['ls', '-n', '-H', ...options, ...words], { namespace: ns }),
  ]);
  // Who is not root is told what he cannot see.
  if (process.getuid?.() === 0) expect(ls.stderr).toBe('');
  const theirs = rowsOf(ss.stdout);
  const hasState = !theirs[0].startsWith(' ');
  const ours = rowsOf(ls.stdout).map((row) => (hasState ? row : row.replace(/^\S+/, '')));
  return { theirs, ours: ours.toSorted() };
}

/** Queues, addresses and holders of each row, and its state, which ss leaves out when it shows one state only. */
function rowsOf(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const words = line.trim().split(/\s+/);
      const [state, recvQ, sendQ, local, remote] = /^\d/.test(words[0]) ? ['', ...words] : words;
      const holders = [...line.matchAll(/pid=\d+,fd=\d+/g)].map(([holder]) => holder).toSorted();
      return [state, recvQ, sendQ, local, remote, ...holders].join(' ');
    })
    .toSorted();
}

/** The rows that are in the first list and not in the second, each as often as it is missing. */
function difference(rows: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const other of others) counts.set(other, (counts.get(other) ?? 0) + 1);
  return rows.filter((row) => {
    const left = counts.get(row) ?? 0;
    counts.set(row, left - 1);
    return left <= 0;
  });
}
