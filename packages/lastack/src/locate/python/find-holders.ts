import type { Code } from './code-objects.ts';
import { findHandler } from './find-handler.ts';
import { searchHolders } from './holder-search.ts';
import { isPlain, pathsTo, type HolderPath } from './holder-paths.ts';
import type { Heap } from './heap.ts';
import type { PythonView } from './python-view.ts';
import { rootsOf } from './holder-roots.ts';
import type { ThreadStack } from './thread-stacks.ts';

/** Who holds a socket, and who would have to close it. */
export interface Holder {
  /** The variables that lead to it, best first; none where nothing was found to hold it. */
  readonly paths: readonly HolderPath[];
  /** The function that a library calls with its connection. */
  readonly handler: Code | null;
}

/** By descriptor. */
export type Holders = ReadonlyMap<number, Holder>;

/** For the search in the objects that were read, and for the names of those on the way. */
const SEARCH_BUDGET = { bytes: 64 << 20, ms: 1000 };
/**
 * Finds the variables from which the sockets of these descriptors are reached.
 * @param fds those that no socket object has are missing from the result
 */
export function findHolders(
  view: PythonView,
  heap: Heap,
  stacks: readonly ThreadStack[],
  fds: ReadonlySet<number>,
): Holders {
  const { objects, references } = view;
  view.memory.extend(SEARCH_BUDGET);
  const sockets = [...heap.sockets].filter(([, fd]) => fds.has(fd));
  const source = rootsOf(view, stacks);
  const open = new Set(sockets.map(([socket]) => socket));
  const referrers = searchHolders(heap, objects, references, {
    sockets: [...open],
    isEnd: source.isEnd,
    isDone: (referrers) => {
      for (const socket of open) {
        const [best] = pathsTo(socket, { ...source, referrers });
        if (best !== undefined && isPlain(best)) open.delete(socket);
      }
      return open.size === 0;
    },
  });
  const holders = new Map<number, Holder>();
  for (const [socket, fd] of sockets) {
    const before = holders.get(fd);
    holders.set(fd, {
      paths: [...(before?.paths ?? []), ...pathsTo(socket, { ...source, referrers })],
      handler: before?.handler ?? findHandler(view, referrers, socket),
    });
  }
  return holders;
}
