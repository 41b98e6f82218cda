import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from './kit/condition.ts';
import { findPython } from './kit/installed.ts';
import { runLastack } from './kit/lastack.ts';
import { openNamespace } from './kit/netns.ts';
import { orSkip } from './kit/or-skip.ts';

/** A leak by a process whose name would set the window's title, ring and begin a line of its own. */
const PROGRAM = `
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b'\\x1b]0;pwn\\x07\\nCRIT', 0, 0, 0)
server = socket.create_server(('127.0.0.1', 7000))
client = socket.create_connection(('127.0.0.1', 7000))
kept, _ = server.accept()
client.close()
time.sleep(3600)
`;

test('a process name that a terminal would obey reaches neither the output nor a record', async (ctx) => {
  const python = findPython('python3');
  if (python === null) ctx.skip('no python3 that runs');
  const namespace = await orSkip(ctx, openNamespace());
  const folder = await mkdtemp(join(tmpdir(), 'lastack-names-'));
  try {
    namespace.spawn(python ?? '', ['-c', PROGRAM]);
    const file = join(folder, 'record');
    const text = await until(
      async () => {
        await runLastack(['record', file, '--for', '1s'], { namespace });
        const { stdout, status } = await runLastack(['doctor', '--replay', file]);
        expect(status).toBeLessThan(2);
        return /^(?:WARNING|CRITICAL) +close-wait-leak/m.test(stdout) ? stdout : null;
      },
      'the leak in a record',
      { withinMs: 40_000 },
    );
    const { stdout: live } = await runLastack(['doctor', '--for', '0'], { namespace });
    const { stdout: listed } = await runLastack(['ls'], { namespace });
    for (const output of [text, live, listed]) {
      expect(output).toContain('\uFFFD');
      expect(output).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
      expect(output).not.toMatch(/^CRIT/m);
    }
  } finally {
    await namespace[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
});
