import type { SocketLocation } from '../locator.ts';
import type { CallFrame } from './protocol.ts';
import type { Scripts } from './scripts.ts';
import type { Session } from './session.ts';

const PAUSE_MS = 300;

/**
 * What the target's JavaScript is doing now: it is paused for as long as its stack takes to come, a few ms. To be asked only
 * of a busy one; another would pause at its next event, when nobody waits for it.
 * @returns null when it was not running JavaScript, or only Node's own
 */
export async function readExecuting(
  session: Session,
  scripts: Scripts,
  pid: number,
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
    evidence: `stack of the main thread of process ${pid}, read through the inspector`,
  };
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
