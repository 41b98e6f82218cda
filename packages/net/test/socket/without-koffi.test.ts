import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { PROGRAM_ENV } from '../../../lastack/test/kit/installed.ts';
import { collect } from '../../../lastack/test/kit/netns.ts';
import type { CloseReport } from '../../src/index.ts';
import { bundleLibrary } from './programs/bundle.ts';

test('where koffi is not installed, delivery is unknown and never claimed', async () => {
  using library = await bundleLibrary();
  const script = `
    import { connect, listen } from ${JSON.stringify(library.file)};
    const listener = await listen({ host: '127.0.0.1' }, async (socket) => {
      for await (const chunk of socket) await socket.write(chunk);
    });
    const socket = await connect({ host: '127.0.0.1', port: listener.port });
    await socket.write('hello');
    await socket.read();
    console.log(JSON.stringify(await socket.close()));
    await listener.close();`;
  const args = ['--input-type=module', '--eval', script];
  const { stdout, stderr, status } = await collect(
    spawn(process.execPath, args, { stdio: 'pipe', env: { ...PROGRAM_ENV, NODE_PATH: '' } }),
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const report = JSON.parse(stdout) as CloseReport;
  expect(report).toMatchObject({ outcome: 'graceful', delivery: 'unknown', unsentBytes: 0 });
  expect(report).not.toHaveProperty('unackedBytes');
});
