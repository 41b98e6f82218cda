import { diagnose, type Whereabouts } from '@lastack/core';
import { describe, expect, test, type TestContext } from 'vitest';
import { evidenceOf, processOf } from '../../../core/test/evidence.ts';
import { until } from '../../test/kit/condition.ts';
import { locateFindings } from './locate.ts';
import { INTERPRETERS, VERSIONS } from './python/testing/interpreters.ts';
import { runPython, type PythonProgram } from './python/testing/python-program.ts';

const HOUR = 3_600_000;

/** A leak whose holder does what it is told: its new socket gets the descriptor of the old one. */
const PROGRAM = `
import os, socket, sys

def leak():
    with socket.create_server(('127.0.0.1', 0)) as server:
        with socket.create_connection(server.getsockname()):
            return server.accept()[0]

kept = leak()  # held
print('ready', kept.fileno(), os.fstat(kept.fileno()).st_ino, flush=True)
for command in sys.stdin:
    if command == 'reopen\\n':
        number = kept.fileno()
        kept.close()
        os.dup2(leak().fileno(), number)
        kept = socket.socket(fileno=number)
    elif command == 'exec\\n':
        os.execv(sys.executable, [sys.executable, __file__])
    else:
        break
    print('done', flush=True)
`;

function leakOf(ctx: TestContext): Promise<PythonProgram> {
  const python = INTERPRETERS.findLast(({ version }) => VERSIONS.includes(version));
  return python === undefined
    ? ctx.skip('no CPython of 3.8 to 3.13 is installed')
    : runPython(python.path, PROGRAM);
}

/** Where the socket is that the program said it has, as if it had been seen a moment ago. */
async function locate({ pid, words }: PythonProgram): Promise<Whereabouts> {
  const [fd, inode] = words;
  const evidence = evidenceOf({
    sockets: [
      {
        state: 'CLOSE-WAIT',
        inode,
        info: { lastDataSent: HOUR, lastDataRecv: HOUR, lastAckRecv: HOUR },
      },
    ],
    owners: [{ pid, fd, inode }],
    processes: [processOf({ pid, runtime: 'python' })],
  });
  const diagnosis = diagnose(evidence);
  const whereabouts = await locateFindings(diagnosis, evidence, { attach: false });
  const finding = diagnosis.findings.find(({ rule }) => rule === 'close-wait-leak');
  const found = finding === undefined ? undefined : whereabouts.get(finding);
  if (found === undefined) throw new Error('the evidence shows no leak');
  return found;
}

describe('lines are those of the process that held the socket,', () => {
  test('while it does', async (ctx) => {
    await using program = await leakOf(ctx);
    const { locations } = await locate(program);
    expect(locations).toContainEqual(
      expect.objectContaining({ role: 'held', line: program.line('held'), name: 'kept' }),
    );
  });

  test.for(['reopen', 'exec', 'end'])(
    'and none when it has had to %s since',
    async (command, ctx) => {
      await using program = await leakOf(ctx);
      program.tell(command);
      // A process that is about to change may still be what it was; then its lines are true.
      const { locations, notes } = await until(async () => {
        const found = await locate(program);
        return found.locations.some(({ role }) => role === 'held') ? null : found;
      }, `what changes by ${command}`);
      expect(locations).toEqual([]);
      expect(notes.join('\n')).toContain(
        `process ${program.pid} has ended, become another or closed`,
      );
    },
  );
});
