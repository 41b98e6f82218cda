import { setTimeout as pause } from 'node:timers/promises';
import type { SocketLocation } from '../locator.ts';
import type { CallFrame } from './protocol.ts';
import type { Scripts } from './scripts.ts';
import type { Session } from './session.ts';

const PAUSE_MS = 300;

/**
 * What the target's JavaScript is doing now: it is paused for as long as its stack takes to come, a few ms. To be asked only
 * of a busy one; another would pause at its next event, when nobody waits for it.
 * @param thread how the user knows it: `a worker thread of process 4121`
 * @returns null when it was not running JavaScript, or only Node's own
 */
export async function readExecuting(
  session: Session,
  scripts: Scripts,
  thread: string,
): Promise<SocketLocation | null> {
  const frames = await readStack(session);
  const places = frames.map((frame) => ({ frame, place: scripts.placeOf(frame.location) }));
  const at =
    places.find(({ place }) => place?.origin === 'user') ??
    places.find(({ place }) => place?.origin === 'package');
  if (at === undefined || at.place === null) return null;
  await scripts.readCode(at.frame.location.scriptId);
  const { functionName } = at.frame;
  return {
    fd: null,
    role: 'executing',
    file: at.place.file,
    line: at.place.line,
    function: scripts.isName(functionName) ? functionName : '(anonymous)',
    evidence: `stack of ${thread}, read through the inspector`,
  };
}

const BETWEEN_MS = 20;

/** Whether the event loop of a thread has not come to wait in 20 ms: then it computes. */
export async function isComputing(session: Session): Promise<boolean> {
  const before = await readIdle(session);
  await pause(BETWEEN_MS);
  return before !== null && before === (await readIdle(session));
}

/** For how long the thread's loop has waited in all, ms; null where its Node does not tell, or the loop has not begun. */
async function readIdle(session: Session): Promise<number | null> {
  const { result } = await session.call('Runtime.evaluate', {
    expression: `(({ idle, active }) => (active > 0 ? idle : null))(
      (process.getBuiltinModule ?? require)('perf_hooks').performance.eventLoopUtilization())`,
    includeCommandLineAPI: true,
    returnByValue: true,
  });
  return typeof result.value === 'number' ? result.value : null;
}

async function readStack(session: Session): Promise<readonly CallFrame[]> {
  const paused = new Promise<readonly CallFrame[]>((resolve) => {
    const timer = setTimeout(() => resolve([]), PAUSE_MS);
    session.on('Debugger.paused', ({ callFrames }) => {
      clearTimeout(timer);
      // At once, before anything is made of the stack.
      void session.call('Debugger.resume', {}).catch(() => {});
      resolve(callFrames);
    });
  });
  await session.call('Debugger.pause', {});
  return paused;
}
