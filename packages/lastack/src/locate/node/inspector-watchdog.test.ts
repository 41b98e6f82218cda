import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import { ENTRY } from '../../../test/kit/lastack.ts';
import { listensOn, NODES, startNode } from './testing/node-program.ts';

/**
 * It leaks one connection, and tells when its module of timers is used, which it does not do itself. Then it makes lastack wait,
 * for less than lastack has patience, so that there is time to kill it.
 */
const LEAKY = `const timers = require('node:timers');
const { createServer } = require('node:net');
const { setTimeout } = timers;
timers.setTimeout = (...given) => {
  console.log('watched');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  return setTimeout(...given);
};
const kept = [];
const server = createServer({ allowHalfOpen: true }, (socket) => kept.push(socket.resume()));
process.stdin.on('data', () => console.log('alive'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

const CLOSES_WITHIN_MS = 30_000;

test.each(NODES)(
  '%s closes its inspector when lastack was killed in between',
  async (node) => {
    await using program = await startNode(LEAKY, { node, name: 'leaky.cjs' });
    (await program.connect()).end();
    let isOpen = false;
    let watched: Promise<string> | null = null;
    await until(
      async () => {
        watched ??= program.listen();
        const args = [ENTRY, 'doctor', '--attach', '--pid', String(program.pid), '--for', '1s'];
        const lastack = spawn(process.execPath, args, { stdio: 'ignore' });
        const ended = once(lastack, 'exit');
        const isWatched = await Promise.race([watched.then(() => true), ended.then(() => false)]);
        if (isWatched) watched = null;
        lastack.kill('SIGKILL');
        await ended;
        // It may have been done before it was killed, or found the leak too young.
        isOpen = listensOn(program.pid, program.inspectorPort);
        return isOpen;
      },
      'an attach that is killed',
      { withinMs: 40_000 },
    );
    expect(isOpen).toBe(true);
    await until(() => !listensOn(program.pid, program.inspectorPort), 'the end of the inspector', {
      withinMs: CLOSES_WITHIN_MS,
    });
    expect(await program.ask('?')).toBe('alive');
  },
  100_000,
);
