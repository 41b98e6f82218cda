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
/** It takes 2 ms, unless the target is blocked. */
const CLOSE_MS = 8000;
/** How long the watchdog waits when lastack should be done: longer than lastack needs to close the inspector. */
const LEASE_MS = CLOSE_MS + 1000;

/**
 * Takes the built-in module without running what a program may have put around require(), in CommonJS and ES modules; what it
 * throws stays in the inspector.
 */
const CLOSE_INSPECTOR = {
  expression: `(process.getBuiltinModule ?? require)('inspector').close()`,
  includeCommandLineAPI: true,
};

/**
 * Should lastack be killed before it closes the inspector, the target does it itself. The timer keeps nothing alive, throws
 * nothing, and spares an inspector that somebody has opened since. What it gives closes the inspector at once, and ends the timer.
 */
function watchdog(leaseMs: number): string {
  return `((load) => {
    const { url, close } = load('inspector');
    const { setTimeout, clearTimeout } = load('timers');
    const ours = url();
    const timer = setTimeout(() => { try { if (url() === ours) close(); } catch {} }, ${leaseMs}).unref();
    return () => { clearTimeout(timer); close(); };
  })(process.getBuiltinModule ?? require)`;
}

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
  let attached: Attached | null = null;
  try {
    attached = await attach(inspector, deadline);
    const wrong = await checkPid(attached.session, pid);
    if (isOurs && wrong === null) await watch(attached, deadline - performance.now() + LEASE_MS);
    return wrong ?? seen(await use(attached.session));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return unavailable(`the inspector of process ${pid} did not answer: ${reason}`, 'try again');
  } finally {
    if (attached !== null) await letGo(attached.session);
    if (isOurs && !(await close(inspector, attached))) {
      note(
        `the inspector of process ${pid} is still open on port ${listener.port}: close it with ` +
          `require('inspector').close() there, or restart the process`,
      );
    }
    attached?.socket[Symbol.dispose]();
  }
}

interface Attached {
  readonly socket: WebSocketClient;
  readonly session: Session;
  /** The function of the target that closes its inspector; null before the watchdog is there. */
  end: string | null;
}

async function watch(attached: Attached, leaseMs: number): Promise<void> {
  const { result } = await attached.session.call('Runtime.evaluate', {
    expression: watchdog(Math.ceil(leaseMs)),
    includeCommandLineAPI: true,
  });
  attached.end = result.objectId ?? null;
}

async function attach({ pid, listener }: OpenInspector, deadline: number): Promise<Attached> {
  const timeLeft = Math.max(CALL_MS, deadline - performance.now());
  const socket = await connectInspector(pid, listener, timeLeft);
  return { socket, session: new Session(socket, { deadline, callMs: CALL_MS }), end: null };
}

async function letGo(session: Session): Promise<void> {
  const objectGroup = OBJECT_GROUP;
  // One after the other, but not waiting for each other: a target that is blocked shall find them all when it is not.
  await Promise.allSettled([
    session.call('Debugger.disable', {}, CALL_MS),
    session.call('Runtime.releaseObjectGroup', { objectGroup }, CALL_MS),
  ]);
}

/**
 * Closes the inspector in the target, and makes sure that it is. A target that is blocked does it as soon as it can, as long as
 * somebody is attached; so this waits for it.
 */
async function close(inspector: OpenInspector, attached: Attached | null): Promise<boolean> {
  const deadline = performance.now() + CLOSE_MS;
  let own: Attached | null = null;
  try {
    own = attached === null || attached.session.isClosed ? await attach(inspector, deadline) : null;
    const current = own ?? attached;
    // The inspector ends with its sessions: there is no answer.
    if (current !== null) endInspector(current).catch(() => {});
    return await isGone(inspector, deadline);
  } catch {
    return isGone(inspector, deadline);
  } finally {
    own?.socket[Symbol.dispose]();
  }
}

function endInspector({ session, end }: Attached): Promise<object> {
  return end === null
    ? session.call('Runtime.evaluate', CLOSE_INSPECTOR, CLOSE_MS)
    : session.call(
        'Runtime.callFunctionOn',
        { objectId: end, functionDeclaration: 'function () { this(); }' },
        CLOSE_MS,
      );
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

async function isGone({ pid, listener }: OpenInspector, deadline: number): Promise<boolean> {
  for (;;) {
    const listeners = readListeners(pid);
    if (listeners.kind === 'ok' && !listeners.value.has(listener.inode)) return true;
    if (!readSocketInodes(pid).has(listener.inode)) return true;
    if (performance.now() > deadline) return false;
    await pause(5);
  }
}
