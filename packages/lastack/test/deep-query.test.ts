import { expect, test } from 'vitest';
import { startNode } from '../src/locate/node/testing/node-program.ts';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';

interface Finding {
  readonly rule: string;
  readonly locations: readonly object[];
  readonly notes: readonly string[];
}

/** Left by its peer, no active handle, and held where no walk gets to. */
const LEAK = `import { createServer } from 'node:net';
class Pool {
  #idle = [];
  add(socket) {
    socket.unref();
    socket.on('data', (data) => this.#idle.push(data));
    this.#idle.push(socket);
    console.log('held');
  }
}
const pool = new Pool();
const server = createServer({ pauseOnConnect: true }, (socket) => pool.add(socket));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('data', () => console.log('alive'));`;

test('doctor --deep=query --yes finds the lines of a socket that is no active handle, and says first what it costs', async () => {
  await using program = await startNode(LEAK);
  const held = program.listen();
  const client = await program.connect();
  await held;
  client.end();
  const pid = String(program.pid);
  const args = ['doctor', '--pid', pid, '--deep=query', '--yes', '--for', '1s', '--json'];
  const { finding, stderr } = await until(
    async () => {
      const output = await runLastack(args);
      const { findings } = JSON.parse(output.stdout) as { readonly findings: readonly Finding[] };
      const leak = findings.find(({ rule }) => rule === 'close-wait-leak');
      return leak === undefined ? null : { finding: leak, stderr: output.stderr };
    },
    'the leak to be old enough',
    { withinMs: 40_000 },
  );
  expect(stderr).toMatch(
    new RegExp(String.raw`process ${pid} must look through its heap \(\d+ MB\).* about \d+\.\d s`),
  );
  const line = program.lineOf("socket.on('data'");
  expect(finding.locations).toContainEqual(
    expect.objectContaining({ role: 'handled', file: program.file, line }),
  );
  expect(finding.notes.join('\n')).toContain('because of --deep=query');
  expect(await program.ask('?')).toBe('alive');
});
