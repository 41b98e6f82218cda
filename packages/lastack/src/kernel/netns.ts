import { access, closeSync, openSync } from 'node:fs';
import { seen, unavailable, type Observation } from '@lastack/core';
import type { Libc } from './ffi.ts';
import { KernelError } from './kernel-error.ts';

const CLONE_NEWNET = 0x40000000;
const OWN_NETNS = '/proc/thread-self/ns/net';

/**
 * Runs an action in another network namespace: what it opens there, stays there. It must be synchronous, because setns(2)
 * moves the thread that all of our JavaScript runs in.
 *
 * @param path what to open, as `Netns.path`
 * @throws {KernelError} when the way back fails: nothing can be trusted from then on
 * @throws whatever the action throws, back in our own namespace
 */
export function inNetns<T>(libc: Libc, path: string, action: () => T): Observation<T> {
  startThreadPool();
  const target = openNamespace(path);
  if (typeof target === 'string') return describeEntry(path, target);
  const own = openNamespace(OWN_NETNS);
  try {
    if (typeof own === 'string') return describeEntry(OWN_NETNS, own);
    if (libc.setns(target, CLONE_NEWNET) !== 0) {
      return describeEntry(path, new KernelError('setns', libc.errno()).code);
    }
    return seen(runAndReturn(libc, own, action));
  } finally {
    closeSync(target);
    if (typeof own === 'number') closeSync(own);
  }
}

function runAndReturn<T>(libc: Libc, own: number, action: () => T): T {
  try {
    const result = action();
    if (result instanceof Promise) throw new TypeError('inNetns() takes a synchronous action');
    return result;
  } finally {
    comeBack(libc, own);
  }
}

function comeBack(libc: Libc, own: number): void {
  if (libc.setns(own, CLONE_NEWNET) !== 0) {
    throw new KernelError('setns back to the own network namespace', libc.errno());
  }
}

/** A descriptor, or the error code. */
function openNamespace(path: string): number | string {
  try {
    return openSync(path, 'r');
  } catch (error) {
    return codeOf(error);
  }
}

function describeEntry(path: string, code: string): Observation<never> {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return unavailable(
        `cannot enter the network namespace ${path}: permission denied`,
        'run as root, or with CAP_SYS_ADMIN and CAP_SYS_PTRACE',
      );
    case 'ENOENT':
    case 'ESRCH':
      return unavailable(`the network namespace ${path} is gone`, 'run lastack again');
    default:
      return unavailable(`cannot enter the network namespace ${path}: ${code}`, 'check the path');
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

let poolStarted = false;

/**
 * libuv starts the threads of its pool with the first job, and a thread begins in the namespace of the one that starts it:
 * a pool that was started elsewhere would stay there for good. uv_queue_work() returns only when all of them run.
 */
function startThreadPool(): void {
  if (!poolStarted) access('/', () => undefined);
  poolStarted = true;
}
