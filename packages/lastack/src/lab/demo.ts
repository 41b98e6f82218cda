import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ageOf, localPortOf, maskOfStates, type Diagnosis, type Evidence } from '@lastack/core';
import { startWatch } from '../gather/evidence.ts';
import { diagnoseProcess } from '../gather/focus.ts';
import { readSockets } from '../gather/sockets.ts';

const PROGRAM = fileURLToPath(new URL('../programs/demo-server.mjs', import.meta.url));
const CLIENTS = 25;
const WINDOW_MS = 500;
/** A little more than the doctor's patience with a program that may be about to answer. */
const SUSPICIOUS_MS = 3100;
const POLL_MS = 100;
const PATIENCE_MS = 20_000;

export interface DemoServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** Starts the server of the demonstration; it ends with its disposal, and with us. */
export async function startDemoServer(kind: 'leaking' | 'fixed'): Promise<DemoServer> {
  const child = spawn(process.execPath, [PROGRAM, ...(kind === 'fixed' ? ['--fixed'] : [])], {
    // Its standard error is not of interest: a debugger that is attached announces itself there.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const ready = once(child.stdout.setEncoding('utf8'), 'data');
  const [first] = await Promise.race([ready, ended]);
  if (child.pid === undefined || typeof first !== 'string') {
    throw new Error(`The demo server did not start: ${PROGRAM}`);
  }
  return {
    pid: child.pid,
    port: Number(first),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill();
      await ended;
    },
  };
}

/** Clients that say hello, hear the answer and go away. */
export async function visit(port: number): Promise<number> {
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.write('hello\n');
      await once(socket, 'data');
      // Not end(): it would wait for the server's FIN, which never comes.
      socket.destroy();
    }),
  );
  return CLIENTS;
}

/** Waits until the kernel has seen the server's sockets in CLOSE-WAIT for as long as makes them suspicious. */
export async function waitForLeak(port: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (oldestCloseWait(port) >= SUSPICIOUS_MS) return;
    await delay(POLL_MS);
  }
}

function oldestCloseWait(port: number): number {
  const sockets = readSockets({
    states: maskOfStates(['CLOSE-WAIT']),
    info: 'closing',
    netns: 'own',
  });
  if (sockets.kind === 'unavailable') return 0;
  const { table } = sockets.value;
  let oldest = 0;
  for (let row = 0; row < table.count; row++) {
    if (localPortOf(table, row) !== port) continue;
    oldest = Math.max(oldest, ageOf(table, row, { finTimeoutMs: 0 }).minMs);
  }
  return oldest;
}

/** What the doctor says of one process: the real one, on the live kernel. */
export async function examine(pid: number): Promise<{ evidence: Evidence; diagnosis: Diagnosis }> {
  const watch = await startWatch({ netns: 'own', pid, once: false });
  const evidence = await watch.after(WINDOW_MS);
  return { evidence, diagnosis: diagnoseProcess(evidence, pid) };
}
