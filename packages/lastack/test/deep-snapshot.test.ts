import { expect, test } from 'vitest';
import { startNode } from '../src/locate/node/testing/node-program.ts';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';

interface Finding {
  readonly rule: string;
  readonly locations: readonly object[];
  readonly notes: readonly string[];
}

const SECRET = 'hunter2-correct-horse';

/** Left by its peer, and held where no walk from its listeners gets to. */
const LEAK = `import { createServer } from 'node:net';
class Pool {
  #byName = new Map();
  add(name, socket) { this.#byName.set(name, { socket }); }
}
const pool = new Pool();
const server = createServer({ pauseOnConnect: true }, (socket) => {
  pool.add('${SECRET}', socket);
  console.log('held');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('data', () => console.log('alive'));`;

test('doctor --deep=snapshot --yes finds what holds a socket in a private field, and says first what it costs', async () => {
  await using program = await startNode(LEAK);
  const held = program.listen();
  const client = await program.connect();
  await held;
  client.end();
  const pid = String(program.pid);
  const args = ['doctor', '--pid', pid, '--deep=snapshot', '--yes', '--for', '1s', '--json'];
  const { finding, stdout, stderr } = await until(
    async () => {
      const output = await runLastack(args);
      const { findings } = JSON.parse(output.stdout) as { readonly findings: readonly Finding[] };
      const leak = findings.find(({ rule }) => rule === 'close-wait-leak');
      return leak === undefined ? null : { finding: leak, ...output };
    },
    'the leak to be old enough',
    { withinMs: 40_000 },
  );
  expect(stderr).toMatch(
    new RegExp(
      String.raw`process ${pid} must write a snapshot of its heap \(\d+ MB\).* about \d+\.\d s, and need up to \d+ MB more`,
    ),
  );
  expect(finding.locations).toContainEqual(
    expect.objectContaining({
      role: 'held',
      file: program.file,
      line: program.lineOf('const pool'),
      function: '(module)',
      name: 'pool.#byName.get(…).socket',
    }),
  );
  expect(finding.notes.join('\n')).toContain('because of --deep=snapshot');
  expect(stdout).not.toContain(SECRET);
  expect(await program.ask('?')).toBe('alive');
});
