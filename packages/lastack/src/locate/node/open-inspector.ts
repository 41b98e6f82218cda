import { setTimeout as pause } from 'node:timers/promises';
import { seen, unavailable, type Observation } from '@lastack/core';
import { canConnect } from './connect.ts';
import { decideGate, RESTART } from './gate.ts';
import { readGateFacts, readIdentity } from './gate-facts.ts';
import { readInspectorAddress } from './inspector-address.ts';
import { findInspector } from './inspector-listener.ts';
import { useInspector, type OpenInspector } from './inspector.ts';
import { lookAtMainThread } from './main-thread.ts';
import { readListeners, readSocketInodes, type Listener } from './listeners.ts';

const OPEN_MS = 1000;
/** A target that was blocked opens its inspector late; somebody must be there to close it. */
const LATE_MS = 4000;

/**
 * Finds the inspector of a Node process, or opens it by SIGUSR1 where the gate allows that. It never asks a port of the
 * program's own: that would leave a connection in it.
 */
export async function openInspector(pid: number): Promise<Observation<OpenInspector>> {
  const identity = readIdentity(pid);
  if (identity.kind !== 'ok') return identity;
  const address = readInspectorAddress(pid);
  const before = readListeners(pid);
  if (before.kind !== 'ok') return before;
  const onPort = [...before.value.values()].filter(({ port }) => port === address.port);
  const own = readSocketInodes(pid);
  const open = onPort.find(({ inode }) => own.has(inode));
  const inspector =
    address.isOpen && open !== undefined
      ? open
      : await findInspector(pid, ownListeners(pid, before.value));
  if (inspector !== null && (address.isOpen || inspector.port === address.port)) {
    return seen({ pid, listener: inspector, isOurs: false });
  }
  if (address.isOpen) {
    return unavailable(
      `process ${pid} was started with --inspect, and which port its inspector has is not certain`,
      `try again when it is less busy, or ${RESTART}`,
    );
  }
  const facts = readGateFacts(pid);
  const verdict = facts.kind === 'ok' ? decideGate(facts.value) : facts;
  if (verdict.kind !== 'ok') return verdict;
  if (onPort.length > 0) {
    const whose = open === undefined ? 'another program' : 'the process itself';
    return unavailable(
      `port ${address.port}, where process ${pid} would open its inspector, is taken by ${whose}`,
      `free the port, or ${RESTART}`,
    );
  }
  const way = canConnect(pid);
  if (way.kind !== 'ok') return way;
  const thread = await lookAtMainThread(pid);
  if (thread.kind === 'stuck') {
    return unavailable(
      `the main thread of process ${pid} is stuck (${thread.where}): it would not open its inspector now`,
      'try again, or look at its stack with gdb',
    );
  }
  const now = readIdentity(pid);
  if (now.kind !== 'ok') return now;
  if (now.value.startTicks !== identity.value.startTicks || !now.value.catchesUsr1) {
    return unavailable(`process ${pid} became another program meanwhile`, 'run lastack again');
  }
  return signal(pid, before.value);
}

function ownListeners(pid: number, listeners: ReadonlyMap<number, Listener>): readonly Listener[] {
  const own = readSocketInodes(pid);
  return [...listeners.values()].filter(({ inode }) => own.has(inode));
}

async function signal(
  pid: number,
  before: ReadonlyMap<number, Listener>,
): Promise<Observation<OpenInspector>> {
  try {
    process.kill(pid, 'SIGUSR1');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return unavailable(
      `cannot signal process ${pid}: ${code}`,
      code === 'EPERM' ? 'run as root, or as its user' : 'run lastack again',
    );
  }
  const inTime = await waitForInspector(pid, before, OPEN_MS);
  if (inTime !== null) return seen(inTime);
  const late = await waitForInspector(pid, before, LATE_MS);
  if (late === null) {
    // One that is open already takes no notice of the signal.
    const inspector = await findInspector(pid, ownListeners(pid, before));
    if (inspector !== null) return seen({ pid, listener: inspector, isOurs: false });
    return unavailable(`process ${pid} did not open its inspector when asked`, RESTART);
  }
  const left: string[] = [];
  const note = (text: string): unknown => left.push(text);
  await useInspector(late, performance.now() + OPEN_MS, note, () => Promise.resolve());
  const outcome = left[0] ?? 'it is closed again';
  return unavailable(
    `process ${pid} was too busy to open its inspector within ${OPEN_MS / 1000} s: ${outcome}`,
    'try again when it is less busy',
  );
}

async function waitForInspector(
  pid: number,
  before: ReadonlyMap<number, Listener>,
  withinMs: number,
): Promise<OpenInspector | null> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    const now = readListeners(pid);
    if (now.kind !== 'ok') return null;
    const fresh = [...now.value.values()].filter(({ inode }) => !before.has(inode));
    // The descriptors are read only when there is something new: there can be many.
    const own = fresh.length > 0 ? readSocketInodes(pid) : null;
    const listener = fresh.find(({ inode }) => own?.has(inode));
    if (listener !== undefined) return { pid, listener, isOurs: true };
    await pause(5);
  }
  return null;
}
