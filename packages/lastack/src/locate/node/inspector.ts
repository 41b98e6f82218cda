import { setTimeout as pause } from 'node:timers/promises';
import { seen, unavailable, type Observation } from '@lastack/core';
import { readProcText } from '../../kernel/procfs/read-proc.ts';
import { connectInspector } from './connect.ts';
import { readListeners, readSocketInodes, type Listener } from './listeners.ts';
import { Session } from './session.ts';
import type { WebSocketClient } from './web-socket.ts';

/** Objects of the target that lastack holds belong to this group, and are let go with it. */
export const OBJECT_GROUP = 'lastack';

const CALL_MS = 500;
const CLOSE_MS = 1000;

/** The inspector's own module, without running what a program may have put around require(). */
const INSPECTOR_MODULE = `(process.getBuiltinModule ?? require)('inspector')`;

/** An open inspector, and whether lastack has opened it. */
export interface OpenInspector {
  readonly pid: number;
  readonly listener: Listener;
  readonly isOurs: boolean;
}

/**
 * Uses an inspector, and leaves the target as it was: what was held is let go, and an inspector that lastack has opened is
 * closed again, whatever happens meanwhile.
 * @param deadline by `performance.now()`, for `use` and all it calls
 * @param note is told what the user should know
 */
export async function useInspector<T>(
  inspector: OpenInspector,
  deadline: number,
  note: (text: string) => void,
  use: (session: Session) => Promise<T>,
): Promise<Observation<T>> {
  const { pid, listener, isOurs } = inspector;
  let socket: WebSocketClient | null = null;
  try {
    const timeLeft = Math.max(CALL_MS, deadline - performance.now());
    socket = await connectInspector(pid, listener, timeLeft);
    const session = new Session(socket, { deadline, callMs: CALL_MS });
    const closer = isOurs ? await bindCloser(session) : null;
    try {
      const wrong = await checkPid(session, pid);
      return wrong ?? seen(await use(session));
    } finally {
      await leave(session, closer);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return unavailable(`the inspector of process ${pid} did not answer: ${reason}`, 'try again');
  } finally {
    socket?.[Symbol.dispose]();
    if (isOurs && !(await isGone(inspector))) {
      note(
        `the inspector of process ${pid} is still open on port ${listener.port}: close it with ` +
          `require('inspector').close() there, or restart the process`,
      );
    }
  }
}

/** Found before anything else is done, so that closing cannot fail for want of it. */
async function bindCloser(session: Session): Promise<string | null> {
  const { result } = await session.call('Runtime.evaluate', {
    expression: INSPECTOR_MODULE,
    includeCommandLineAPI: true,
    objectGroup: OBJECT_GROUP,
  });
  return result.objectId ?? null;
}

async function leave(session: Session, closer: string | null): Promise<void> {
  await session.call('Debugger.disable', {}, CALL_MS).catch(() => {});
  if (closer === null) {
    await session
      .call('Runtime.releaseObjectGroup', { objectGroup: OBJECT_GROUP }, CALL_MS)
      .catch(() => {});
    return;
  }
  // The inspector ends with all that it holds, this call included: there is no answer.
  await session
    .call(
      'Runtime.callFunctionOn',
      { objectId: closer, functionDeclaration: 'function () { try { this.close(); } catch {} }' },
      CLOSE_MS,
    )
    .catch(() => {});
}

/** Another process could have taken the port; in a container the target knows itself by the pid that it has there. */
async function checkPid(session: Session, pid: number): Promise<Observation<never> | null> {
  const { result } = await session.call('Runtime.evaluate', {
    expression: 'process.pid',
    returnByValue: true,
  });
  const status = readProcText(`/proc/${pid}/status`);
  const line = status.kind === 'ok' ? /^NSpid:\t([\d\t]+)$/m.exec(status.value)?.[1] : undefined;
  const expected = Number(line?.split('\t').at(-1) ?? pid);
  if (result.value === expected) return null;
  return unavailable(
    `the inspector that was found is not that of process ${pid}`,
    'attach to one process at a time',
  );
}

async function isGone({ pid, listener }: OpenInspector): Promise<boolean> {
  const end = performance.now() + CLOSE_MS;
  for (;;) {
    const listeners = readListeners(pid);
    if (listeners.kind !== 'ok' || !listeners.value.has(listener.inode)) return true;
    if (!readSocketInodes(pid).has(listener.inode)) return true;
    if (performance.now() > end) return false;
    await pause(10);
  }
}
