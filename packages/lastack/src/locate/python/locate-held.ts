import { resolve } from 'node:path';
import type { Located, SocketLocation } from '../locator.ts';
import type { Code } from './code-objects.ts';
import { findHolders } from './find-holders.ts';
import { nameOf } from './holder-name.ts';
import { rankOf, type HolderPath } from './holder-paths.ts';
import type { Heap } from './heap.ts';
import type { PythonView } from './python-view.ts';
import { readDefinition } from './read-definition.ts';
import { rootFile } from './roots.ts';
import { sourceKind } from './source-kind.ts';
import type { ThreadStack } from './thread-stacks.ts';

export interface HeldOptions {
  /** `/proc/PID` */
  readonly process: string;
  readonly pid: number;
  readonly fds: readonly number[];
  /** Where the process started, ms since the epoch. */
  readonly startedMs: number;
  /** What relative file names are relative to. */
  readonly folder: string;
}

export interface Held extends Located {
  /** The descriptors that a call of a thread holds in a variable, by the address of the thread's state. */
  readonly fdsOfThread: ReadonlyMap<number, ReadonlySet<number>>;
}

/** Holders of one socket that are worth showing. */
const MOST_PATHS = 2;
/** A socket in a variable, or in an attribute of one, is the thread's own. */
const OWN_STEPS = 2;

/** Finds the lines that hold sockets. */
export function locateHeld(
  view: PythonView,
  heap: Heap,
  stacks: readonly ThreadStack[],
  options: HeldOptions,
): Held {
  const holders = findHolders(view, heap, stacks, new Set(options.fds));
  const locations: SocketLocation[] = [];
  const unplaced = new Set<string>();
  const fdsOfThread = new Map<number, Set<number>>();
  for (const [fd, { paths, handler }] of holders) {
    for (const path of worthShowing(paths)) {
      const location = locationOf(view, fd, path, options);
      if (location.line === null) unplaced.add(`${location.name} of ${location.file}`);
      else locations.push({ ...location, line: location.line });
    }
    if (handler !== null && sourceKind(handler.file) !== 'python') {
      locations.push(handledBy(handler, fd, options));
    }
    for (const stack of stacks.filter((stack) => paths.some((path) => isOwn(path, stack)))) {
      const fds = fdsOfThread.get(stack.address) ?? new Set();
      fdsOfThread.set(stack.address, fds.add(fd));
    }
  }
  return { locations, notes: notesOf(options.pid, unplaced, heap.complete), fdsOfThread };
}

/** The best path, and another one as near to the user's own code: a container beside a variable of the moment. */
function worthShowing(paths: readonly HolderPath[]): readonly HolderPath[] {
  const ranks = paths.map(rankOf);
  const nearest = paths.filter((_, index) => ranks[index] === ranks[0]);
  return nearest.slice(0, nearest[0]?.variable.root.kind === 'instance' ? 1 : MOST_PATHS);
}

function isOwn({ variable: { root }, edges }: HolderPath, stack: ThreadStack): boolean {
  return (
    root.kind === 'local' &&
    stack.frames.includes(root.frame) &&
    edges.filter(({ how }) => how !== 'dict').length <= OWN_STEPS
  );
}

type Unplaced = Omit<SocketLocation, 'line'> & { readonly line: number | null };

function locationOf(
  view: PythonView,
  fd: number,
  path: HolderPath,
  { process, pid, startedMs, folder }: HeldOptions,
): Unplaced {
  const { root, name } = path.variable;
  const file = resolveFile(rootFile(root), folder);
  const where = `read from /proc/${pid}/mem`;
  const common = {
    role: 'held',
    file,
    name: nameOf(view, path),
    fd,
  } as const;
  if (root.kind !== 'local') {
    const bound = root.kind === 'global' ? name : root.className;
    const what = root.kind === 'global' ? 'variable' : `object of ${root.className}`;
    return {
      ...common,
      line: readDefinition(process, file, bound, startedMs),
      function: root.kind === 'global' ? '<module>' : root.className,
      evidence: `${what} of module ${root.module.name}, ${where}`,
    };
  }
  const thread = root.tid === null ? 'a thread' : `thread ${root.tid}`;
  return {
    ...common,
    line: root.frame.line,
    function: root.frame.code.function,
    evidence: `${root.suspended ? 'suspended call' : `call of ${thread}`}, ${where}`,
  };
}

function handledBy(handler: Code, fd: number, { pid, folder }: HeldOptions): SocketLocation {
  return {
    role: 'handled',
    file: resolveFile(handler.file, folder),
    line: handler.firstLine,
    function: handler.function,
    evidence: `callback of asyncio.start_server(), read from /proc/${pid}/mem`,
    fd,
  };
}

function resolveFile(file: string, folder: string): string {
  return file.startsWith('<') ? file : resolve(folder, file);
}

function notesOf(pid: number, unplaced: ReadonlySet<string>, complete: boolean): string[] {
  return [
    ...[...unplaced].map((what) => `A socket is held by ${what}; its line is not known.`),
    ...(complete ? [] : [`Not all objects of process ${pid} were looked at.`]),
  ];
}
