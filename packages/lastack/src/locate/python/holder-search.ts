import type { Heap } from './heap.ts';
import type { PythonObjects } from './objects.ts';
import type { How, References } from './references.ts';

/** One reference: what refers, how, and to what. */
export interface Edge {
  readonly parent: number;
  readonly how: How;
  readonly where: number;
  readonly child: number;
}

/** Who refers to whom, upwards from the sockets, by the address of what is referred to. */
export type Referrers = ReadonlyMap<number, readonly Edge[]>;

export interface SearchPlan {
  readonly sockets: readonly number[];
  /** Nothing is sought behind these: where a path begins, or what holds everything. */
  readonly isEnd: (object: number) => boolean;
  /** Whether the search may end: every socket's holder is known. */
  readonly isDone: (referrers: Referrers) => boolean;
}

/** A socket in a pooled connection of a session of a client library is some ten references away. */
const MOST_LEVELS = 16;
/** Behind the first holder: a container says more than the variable of the moment that also refers to the socket. */
const MORE_LEVELS = 2;
const MOST_REFERRERS = 64;
const MOST_OBJECTS = 100_000;

/** Looks for all paths that lead to the sockets, one reference further each time. */
export function searchHolders(
  heap: Heap,
  objects: PythonObjects,
  references: References,
  { sockets, isEnd, isDone }: SearchPlan,
): Referrers {
  const referrers = new Map<number, Edge[]>();
  const seen = new Set(sockets);
  let frontier = new Set(sockets);
  let more = MORE_LEVELS;
  for (let level = 0; level < MOST_LEVELS && frontier.size > 0; level++) {
    const next = new Set<number>();
    for (const parent of parentsOf(heap, frontier)) {
      for (const edge of edgesTo(objects, references, parent, frontier)) {
        const edges = referrers.get(edge.child) ?? [];
        if (edges.length < MOST_REFERRERS) edges.push(edge);
        referrers.set(edge.child, edges);
      }
      if (seen.has(parent) || seen.size >= MOST_OBJECTS) continue;
      seen.add(parent);
      if (!isEnd(parent)) next.add(parent);
    }
    more = isDone(referrers) ? more - 1 : MORE_LEVELS;
    if (more < 0) break;
    frontier = next;
  }
  return referrers;
}

/** Bits of a table that says at once of most addresses that they are not sought. */
const FILTER_BITS = 20;

function parentsOf(heap: Heap, frontier: ReadonlySet<number>): number[] {
  const filter = new Uint8Array(1 << FILTER_BITS);
  for (const address of frontier) filter[slotOf(address)] = 1;
  const parents: number[] = [];
  for (let index = 0; index < heap.count; index++) {
    for (let at = heap.starts[index]; at < heap.starts[index + 1]; at++) {
      const child = heap.references[at];
      if (filter[slotOf(child)] === 0 || !frontier.has(child)) continue;
      parents.push(heap.addresses[index]);
      break;
    }
  }
  return parents;
}

function slotOf(address: number): number {
  return ((address / 8) >>> 0) & ((1 << FILTER_BITS) - 1);
}

function edgesTo(
  objects: PythonObjects,
  references: References,
  parent: number,
  frontier: ReadonlySet<number>,
): Edge[] {
  const edges: Edge[] = [];
  const type = objects.typeOf(parent);
  if (type === null) return edges;
  references.visit(parent, type, (child, how, where) => {
    if (frontier.has(child)) edges.push({ parent, how, where, child });
  });
  return edges;
}
