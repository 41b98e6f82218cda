import type { Edge } from './holder-search.ts';
import { searchHolders } from './holder-search.ts';
import { IDENTIFIER } from './holder-name.ts';
import { pathsTo, type HolderPath, type PathSource } from './holder-paths.ts';
import { readHeap } from './heap.ts';
import type { PythonView } from './python-view.ts';
import { SUSPENDABLE } from './references.ts';
import {
  attempt,
  readLocals,
  readModule,
  readModules,
  rootKind,
  type Module,
  type RootVariable,
} from './roots.ts';
import { TPFLAGS } from './objects.ts';
import type { ThreadStack } from './thread-stacks.ts';

/** Who holds the sockets of a process. */
export interface Holders {
  /** By descriptor, best first; empty for a socket object that nothing was found to hold. */
  readonly paths: ReadonlyMap<number, readonly HolderPath[]>;
  /** Whether all objects were looked at. */
  readonly complete: boolean;
}

/** What holds all transports of asyncio, and tells nothing about who should close them. */
const EVENT_LOOP = /EventLoop$/;

/**
 * Finds the variables from which the sockets of these descriptors are reached.
 * @param fds those that no socket object has are missing from the result
 */
export function findHolders(
  view: PythonView,
  stacks: readonly ThreadStack[],
  fds: ReadonlySet<number>,
): Holders {
  const { objects, references, interpreter } = view;
  const heap = readHeap(objects, references, interpreter);
  const sockets = [...heap.sockets].filter(([, fd]) => fds.has(fd));
  const source = rootsOf(view, stacks);
  const open = new Set(sockets.map(([socket]) => socket));
  const referrers = searchHolders(heap, objects, references, {
    sockets: [...open],
    isEnd: source.isEnd,
    isDone: (referrers) => {
      for (const socket of open) {
        const [best] = pathsTo(socket, { ...source, referrers });
        if (best !== undefined && rootKind(best.variable.root) === 'user') open.delete(socket);
      }
      return open.size === 0;
    },
  });
  const paths = new Map<number, readonly HolderPath[]>();
  for (const [socket, fd] of sockets) {
    paths.set(fd, [...(paths.get(fd) ?? []), ...pathsTo(socket, { ...source, referrers })]);
  }
  return { paths, complete: heap.complete };
}

interface Roots extends Omit<PathSource, 'referrers'> {
  readonly isEnd: (object: number) => boolean;
}

function rootsOf(view: PythonView, stacks: readonly ThreadStack[]): Roots {
  const { objects } = view;
  const locals = readLocals(view.frames, stacks);
  const modules = attempt(() => readModules(objects, view.interpreter)) ?? new Map();
  const read = new Map<number, Module>();
  const moduleAt = (dict: number): Module | null => {
    const name = modules.get(dict);
    if (name === undefined) return null;
    const module = read.get(dict) ?? readModule(objects, dict, name);
    read.set(dict, module);
    return module;
  };
  return {
    variablesOf: (object) => locals.get(object) ?? [],
    variableOf: (edge) => globalOf(view, edge, moduleAt) ?? suspendedOf(view, edge),
    isEnd: (object) => modules.has(object) || isLoop(view, object),
  };
}

function isLoop({ objects }: PythonView, object: number): boolean {
  const type = objects.typeOf(object);
  return type !== null && (type.flags & TPFLAGS.TYPE_SUBCLASS) === 0 && EVENT_LOOP.test(type.name);
}

function globalOf(
  { objects }: PythonView,
  { parent, how, where }: Edge,
  moduleAt: (dict: number) => Module | null,
): RootVariable | null {
  if (how !== 'value') return null;
  const module = moduleAt(parent);
  const name = module === null ? null : attempt(() => objects.name(where));
  if (module === null || name === null || !IDENTIFIER.test(name)) return null;
  return { root: { kind: 'global', module }, name };
}

/** A suspended coroutine or generator of the user's; one of a library is sought further: something awaits it. */
function suspendedOf(
  { objects, frames, references }: PythonView,
  { parent, how, where }: Edge,
): RootVariable | null {
  const type = objects.typeOf(parent);
  if (how !== 'local' || type === null || !SUSPENDABLE.has(type.name)) return null;
  const frame = attempt(() => frames.read(references.frameOf(parent, type)));
  const name = frame === null ? undefined : attempt(() => frames.localNames(frame))?.[where];
  if (frame === null || name === undefined) return null;
  const root = { kind: 'local', frame, tid: null, suspended: true } as const;
  return rootKind(root) === 'user' ? { root, name } : null;
}
