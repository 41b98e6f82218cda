import { describe, expect, test } from 'vitest';
import type { QueryCost } from './deep-query.ts';
import { locateNode } from './locate-node.ts';
import { listensOn, NODES, startNode, type NodeProgram } from './testing/node-program.ts';

/** A server whose connections are no active handles, and are held where no walk gets to: in a private field. */
const UNREF = `import { createServer } from 'node:net';
class Pool {
  #idle = new Set();
  add(socket) {
    socket.unref();
    socket.on('data', (data) => this.#idle.add(data));
    this.#idle.add(socket);
    console.log('held');
  }
}
const pool = new Pool();
const server = createServer({ pauseOnConnect: true }, (socket) => pool.add(socket));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('data', () => console.log('alive'));`;

async function startHolder(node: string): Promise<NodeProgram> {
  const program = await startNode(UNREF, { node });
  const held = program.listen();
  await program.connect();
  await held;
  return program;
}

/** The connection is the socket that came last. */
function connectionOf(program: NodeProgram): number {
  return Math.max(...program.socketFds());
}

describe.each(NODES)('locateNode() with %s', (node) => {
  test('finds a socket that is no active handle in the heap, when that is agreed to', async () => {
    await using program = await startHolder(node);
    const fd = connectionOf(program);
    const asked: QueryCost[] = [];
    const located = await locateNode({ pid: program.pid, fds: [fd] }, async (cost) => {
      // Nobody may be kept waiting with an open inspector.
      expect(listensOn(program.pid, program.inspectorPort)).toBe(false);
      asked.push(cost);
      return true;
    });
    if (located.kind !== 'ok') throw new Error(located.reason);
    const line = program.lineOf("socket.on('data'");
    expect(located.value.locations).toContainEqual(
      expect.objectContaining({ role: 'handled', fd, line }),
    );
    expect(located.value.notes.join('\n')).toMatch(/stood still for up to \d+ ms/);
    expect(asked).toMatchObject([{ pid: program.pid, heapBytes: expect.any(Number) }]);
    expect(asked[0].heapBytes).toBeGreaterThan(1e6);
    expect(asked[0].pauseMs).toBeGreaterThan(0);
    expect(await program.ask('?')).toBe('alive');
    expect(listensOn(program.pid, program.inspectorPort)).toBe(false);
  });

  test('leaves the heap alone when that is not agreed to, and says how the socket could be found', async () => {
    await using program = await startHolder(node);
    const fd = connectionOf(program);
    for (const confirm of [null, async () => false]) {
      const located = await locateNode({ pid: program.pid, fds: [fd] }, confirm);
      if (located.kind !== 'ok') throw new Error(located.reason);
      expect(located.value.locations.filter((each) => each.fd === fd)).toEqual([]);
      const notes = located.value.notes.join('\n');
      expect(notes).toContain('--deep=query');
      expect(notes).not.toContain('stood still');
    }
  });

  test('asks nothing when every socket is an active handle', async () => {
    await using program = await startNode(UNREF.replace('socket.unref();', ''), { node });
    const held = program.listen();
    await program.connect();
    await held;
    const asked: QueryCost[] = [];
    const target = { pid: program.pid, fds: [connectionOf(program)] };
    const located = await locateNode(target, async (cost) => {
      asked.push(cost);
      return true;
    });
    expect(located.kind).toBe('ok');
    expect(asked).toEqual([]);
  });
});
