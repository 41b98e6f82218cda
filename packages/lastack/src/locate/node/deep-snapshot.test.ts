import { describe, expect, test } from 'vitest';
import type { QueryCost } from './deep-query.ts';
import { predictSnapshot, refuseSnapshot } from './deep-snapshot.ts';
import { locateNode } from './locate-node.ts';
import { listensOn, NODES, startNode, type NodeProgram } from './testing/node-program.ts';

const SECRET = 'hunter2-correct-horse';

/** Each way of holding a connection is one that no walk from listeners gets to. */
function program(hold: string): string {
  return `import { createServer } from 'node:net';
const secret = '${SECRET}';
class Pool {
  #idle = new Set();
  #byName = new Map();
  #closures = [];
  keepInSet(socket) { this.#idle.add(socket); }
  keepInMap(socket) { this.#byName.set(secret + this.#byName.size, { sock: socket }); }
  keepAsKey(socket) { this.#byName.set(socket, secret); }
  keepInClosure(socket) { this.#closures.push(() => socket); }
}
const pool = new Pool();
const seen = new Set();
async function serve(socket) {
  const held = socket;
  await new Promise((resolve) => setTimeout(resolve, 1e8));
  held.end(secret);
}
const server = createServer({ pauseOnConnect: true }, (socket) => { // connected
  ${hold};
  console.log('held');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('data', () => console.log('alive'));`;
}

async function startHolder(hold: string, node: string): Promise<NodeProgram> {
  const started = await startNode(program(hold), { node });
  const held = started.listen();
  const client = await started.connect();
  await held;
  client.end();
  return started;
}

/** @returns name, line and function of what holds the connection */
async function locateHeld(holder: NodeProgram): Promise<{
  readonly held: readonly (readonly [string | undefined, number, string])[];
  readonly notes: string;
  readonly asked: readonly QueryCost[];
}> {
  // The connection is the socket that came last.
  const fd = Math.max(...holder.socketFds());
  const asked: QueryCost[] = [];
  const confirm = async (cost: QueryCost): Promise<boolean> => {
    // Nobody may be kept waiting with an open inspector.
    expect(listensOn(holder.pid, holder.inspectorPort)).toBe(false);
    asked.push(cost);
    return true;
  };
  const located = await locateNode({ pid: holder.pid, fds: [fd] }, confirm, 'snapshot');
  if (located.kind !== 'ok') throw new Error(located.reason);
  expect(await holder.ask('?')).toBe('alive');
  expect(listensOn(holder.pid, holder.inspectorPort)).toBe(false);
  expect(JSON.stringify(located)).not.toContain(SECRET);
  const held = located.value.locations
    .filter((each) => each.role === 'held' && each.fd === fd && each.file === holder.file)
    .map(({ name, line, function: owner }) => [name, line, owner] as const);
  return { held, notes: located.value.notes.join('\n'), asked };
}

describe.each(NODES)('locateNode() with a snapshot of the heap of %s', (node) => {
  test.each([
    ['pool.keepInSet(socket)', 'pool.#idle.values(…)', 'const pool', '(module)'],
    ['pool.keepInMap(socket)', 'pool.#byName.get(…).sock', 'const pool', '(module)'],
    ['pool.keepAsKey(socket)', 'pool.#byName.keys(…)', 'const pool', '(module)'],
    ['socket.unref(); pool.keepInSet(socket)', 'pool.#idle.values(…)', 'const pool', '(module)'],
    ['serve(socket)', 'a local variable', 'async function serve', 'serve'],
  ])('finds what %s does: %s', async (hold, name, declared, owner) => {
    await using holder = await startHolder(hold, node);
    const { held, notes, asked } = await locateHeld(holder);
    expect(held).toEqual([[name, holder.lineOf(declared), owner]]);
    expect(notes).toMatch(/stood still for up to \d+ ms, because of --deep=snapshot/);
    expect(asked).toMatchObject([{ how: 'snapshot', pid: holder.pid }]);
    expect(asked[0].extraBytes).toBeGreaterThan(asked[0].heapBytes);
  });

  test('finds the variable of a function that a closure in a private field keeps', async () => {
    await using holder = await startHolder('pool.keepInClosure(socket)', node);
    const { held } = await locateHeld(holder);
    expect(held).toEqual([['socket', holder.lineOf('keepInClosure(socket) {'), '(anonymous)']]);
  });

  test('says so where nothing but the socket itself and a WeakRef holds it', async () => {
    const hold = 'pool.keepInSet(new WeakRef(socket))';
    await using holder = await startHolder(hold, node);
    const { held, notes } = await locateHeld(holder);
    expect(held).toEqual([]);
    expect(notes).toContain("no variable of the program's own leads to descriptor");
  });
});

test('locateNode() takes no snapshot when that is not agreed to, nor when the holder is known without', async () => {
  await using unknown = await startHolder('pool.keepInSet(socket)', process.execPath);
  const fd = Math.max(...unknown.socketFds());
  const located = await locateNode({ pid: unknown.pid, fds: [fd] }, async () => false, 'snapshot');
  expect(JSON.stringify(located)).not.toContain('--deep=snapshot');
  await using known = await startHolder('seen.add(socket)', process.execPath);
  const { held, asked } = await locateHeld(known);
  expect(held.map(([name]) => name)).toEqual(['seen.values(…)']);
  expect(asked).toEqual([]);
});

test('refuseSnapshot() refuses a heap that is too large, and says how large it may be', () => {
  const costOf = (heapBytes: number): QueryCost =>
    predictSnapshot({ pid: 4121, how: 'query', heapBytes, pauseMs: 0, extraBytes: 0 });
  expect(refuseSnapshot(costOf(301e6))).toBe(
    'no snapshot was taken: process 4121 has a heap of 301 MB, and --deep=snapshot takes those of up to 300 MB',
  );
  expect(refuseSnapshot(costOf(1e6))).toBeNull();
  expect(costOf(190e6)).toMatchObject({ how: 'snapshot', pauseMs: 20_900, extraBytes: 1900e6 });
});
