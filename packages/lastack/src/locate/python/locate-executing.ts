import { resolve } from 'node:path';
import type { SocketLocation } from '../locator.ts';
import type { Held } from './locate-held.ts';
import { formatCall, sourceKind, userFrame } from './source-kind.ts';
import type { ThreadStack } from './thread-stacks.ts';

/**
 * What the threads execute. Those that hold one of the descriptors in a call are of that socket; the others are of no one,
 * and are left out when every descriptor has its thread.
 */
export function locateExecuting(
  pid: number,
  fds: readonly number[],
  stacks: readonly ThreadStack[],
  fdsOfThread: Held['fdsOfThread'],
  folder: string,
): SocketLocation[] {
  const found = new Set([...fdsOfThread.values()].flatMap((each) => [...each]));
  const others = fds.length === 0 || fds.some((fd) => !found.has(fd));
  return busyOf(stacks).flatMap((stack) => {
    const own: readonly (number | null)[] = [...(fdsOfThread.get(stack.address) ?? [])];
    const wanted = own.length === 0 && others ? [null] : own;
    return wanted.flatMap((fd) => executing(pid, stack, folder, fd));
  });
}

/** Threads without a call of the user's own or of a package are a pool's, and idle: left out unless there are no others. */
function busyOf(stacks: readonly ThreadStack[]): readonly ThreadStack[] {
  const busy = stacks.filter(({ frames }) =>
    frames.some(({ code, line }) => line !== null && sourceKind(code.file) !== 'python'),
  );
  return busy.length === 0 ? stacks : busy;
}

function executing(
  pid: number,
  stack: ThreadStack,
  folder: string,
  fd: number | null,
): SocketLocation[] {
  const frame = userFrame(stack.frames);
  if (frame === null || frame.line === null) return [];
  const thread = stack.tid === null ? 'a thread' : `thread ${stack.tid}`;
  const [leaf] = stack.frames;
  const below = leaf === frame ? '' : `; below it, ${formatCall(leaf)}`;
  return [
    {
      role: 'executing',
      file: absolute(frame.code.file, folder),
      line: frame.line,
      function: frame.code.function,
      evidence: `stack of ${thread}, read from /proc/${pid}/mem${below}`,
      fd,
    },
  ];
}

function absolute(file: string, folder: string): string {
  return file.startsWith('<') ? file : resolve(folder, file);
}
