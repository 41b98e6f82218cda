import type { HeapSnapshot } from './heap-snapshot.ts';
import type { HolderStep } from './holder-path.ts';

/** What keeps a socket in the heap: a variable, or a suspended function, and the way from there. */
export interface HeapHolder {
  /** Of the target, as HeapProfiler.getHeapObjectId gives it. */
  readonly id: number;
  /** A variable of a module, of a function, or something local to a function that waits (await, yield). */
  readonly kind: 'module' | 'function' | 'suspended';
  /** A function that closes over the variable; the one that waits. Line and column from 0. */
  readonly site: {
    readonly name: string;
    readonly scriptId: string;
    readonly line: number;
    readonly column: number;
  };
  /** The first one names the variable, unless a function waits. */
  readonly steps: readonly HolderStep[];
  /** Classes of the objects on the way. */
  readonly classes: readonly string[];
}

/** Longer ways say nothing to anybody. */
const LONGEST_WAY = 12;
const NONE = -1;
const CONTEXT = 'system / Context';
/** What a socket is connected with inside of Node, and keeps it alive as long as it is open. */
const OWN_PARTS = new Set(['_handle', '<symbol kHandle>', 'parser', 'ssl', '<symbol kRes>']);
/** Leads from every object to the global one. */
const TO_PROTOTYPE = new Set(['__proto__', 'prototype', 'constructor']);
/** Sizes of V8's ordered hash tables, in slots of 8 bytes: a header, the buckets, and two entries a bucket. */
const SLOT_BYTES = 8;
const ARRAY_HEADER_BYTES = 16;
const TABLE_HEADER = 3;
const MAP_ENTRY = 3;

/**
 * Finds what keeps sockets in the heap: the shortest way from a variable of the user's own code that lives without them, or
 * from a function of theirs that waits. What only the socket itself keeps alive, as its listeners, holds nothing.
 * @param ids of the sockets in the snapshot
 * @param isOwn whether a script is of the user's own code
 */
export function findHeapHolders(
  snapshot: HeapSnapshot,
  ids: ReadonlySet<number>,
  isOwn: (scriptId: string) => boolean,
): readonly HeapHolder[] {
  const { nodes } = snapshot;
  const targets: number[] = [];
  for (let node = 0; node < nodes.count; node++) if (ids.has(nodes.id[node])) targets.push(node);
  const search = new HolderSearch(snapshot, targets);
  search.addOwnFunctions(isOwn);
  const found = new Map<number, HeapHolder>();
  for (const kind of ['module', 'function', 'suspended'] as const) {
    const missing = targets.filter((target) => !found.has(target));
    if (missing.length === 0) break;
    const ways = search.waysFrom(kind);
    for (const target of missing) {
      const holder = ways(target);
      if (holder !== null) found.set(target, holder);
    }
  }
  return [...found.values()];
}

class HolderSearch {
  readonly #snapshot: HeapSnapshot;
  /** Ways do not lead through these: the sockets, and what belongs to them. */
  readonly #closed: ReadonlySet<number>;
  readonly #alive: Uint8Array;
  readonly #sites = new Map<number, HeapHolder['site']>();
  /** Contexts and suspended functions of the user's code, with the function that tells where. */
  readonly #sources = {
    module: new Map(),
    function: new Map(),
    suspended: new Map(),
  } satisfies Record<HeapHolder['kind'], Map<number, HeapHolder['site']>>;

  constructor(snapshot: HeapSnapshot, targets: readonly number[]) {
    this.#snapshot = snapshot;
    const parts = targets.flatMap((target) =>
      [...this.#edgesOf(target)].flatMap((edge) =>
        this.#typeOf(edge) === 'property' && OWN_PARTS.has(this.#nameOf(edge))
          ? [snapshot.edges.to[edge]]
          : [],
      ),
    );
    this.#closed = new Set([...targets, ...parts]);
    this.#alive = this.#findAlive();
  }

  /** Notes the contexts and the suspended functions of the user's code. */
  addOwnFunctions(isOwn: (scriptId: string) => boolean): void {
    const { locations, nodes, edges, nodeTypes } = this.#snapshot;
    const closure = nodeTypes.indexOf('closure');
    for (let i = 0; i < locations.length; i += 4) {
      const [node, script, line, column] = locations.slice(i, i + 4);
      if (nodes.type[node] !== closure || !isOwn(String(script))) continue;
      const name = this.#nodeName(node);
      this.#sites.set(node, { name, scriptId: String(script), line, column });
    }
    const contexts = new Map<number, HeapHolder['site']>();
    for (const [node, site] of this.#sites) {
      let context = this.#internal(node, 'context');
      while (context !== NONE && this.#nodeName(context) === CONTEXT && !contexts.has(context)) {
        contexts.set(context, site);
        context = this.#internal(context, 'previous');
      }
    }
    for (const [context, site] of contexts) {
      if (this.#alive[context] === 0) continue;
      const isOutermost = !contexts.has(this.#internal(context, 'previous'));
      this.#sources[isOutermost ? 'module' : 'function'].set(context, site);
    }
    const registers = this.#snapshot.strings.indexOf('parameters_and_registers');
    if (registers === NONE) return;
    for (let node = 0; node < nodes.count; node++) {
      if (this.#alive[node] === 0) continue;
      for (let edge = nodes.firstEdge[node]; edge < nodes.firstEdge[node + 1]; edge++) {
        if (edges.name[edge] !== registers || this.#typeOf(edge) !== 'internal') continue;
        const site = this.#sites.get(this.#internal(node, 'function'));
        if (site !== undefined) this.#sources.suspended.set(edges.to[edge], site);
      }
    }
  }

  /** Walks from all sources of a kind at once, nearest first; the function gives the way to a target. */
  waysFrom(kind: HeapHolder['kind']): (target: number) => HeapHolder | null {
    const { nodes, edges } = this.#snapshot;
    const sources: ReadonlyMap<number, HeapHolder['site']> = this.#sources[kind];
    const via = new Int32Array(nodes.count).fill(NONE);
    const from = new Int32Array(nodes.count).fill(NONE);
    let level = [...sources.keys()];
    for (const source of level) from[source] = source;
    for (let depth = 0; depth < LONGEST_WAY && level.length > 0; depth++) {
      const next: number[] = [];
      for (const node of level) {
        if (this.#closed.has(node)) continue;
        for (const edge of this.#edgesOf(node)) {
          const to = edges.to[edge];
          if (from[to] !== NONE || !this.#isWay(node, edge, via[node])) continue;
          from[to] = node;
          via[to] = edge;
          next.push(to);
        }
      }
      level = next;
    }
    return (target) => {
      if (from[target] === NONE) return null;
      const path: { readonly node: number; readonly edge: number }[] = [];
      let node = target;
      for (; via[node] !== NONE; node = from[node])
        path.unshift({ node: from[node], edge: via[node] });
      const site = sources.get(node);
      if (site === undefined) return null;
      const steps = path.flatMap(({ edge, node: holder }, i) =>
        kind === 'suspended' && i === 0 ? [] : this.#step(holder, edge),
      );
      const classes = path
        .slice(1)
        .filter((each) => this.#nodeType(each.node) === 'object')
        .map((each) => this.#nodeName(each.node));
      return { id: nodes.id[target], kind, site, steps, classes };
    };
  }

  /** What the roots reach without the sockets, and without what lastack itself holds there. */
  #findAlive(): Uint8Array {
    const { nodes, edges, edgeTypes, strings } = this.#snapshot;
    const weak = edgeTypes.indexOf('weak');
    const internal = edgeTypes.indexOf('internal');
    // Of a WeakMap, both the map and the key refer to the value; each alone does not keep it. Its name may be too long to be kept.
    const isOurs = strings.map((name) => name === '' || /DevTools|part of key/.test(name));
    const alive = new Uint8Array(nodes.count);
    const queue = new Uint32Array(nodes.count);
    let end = 0;
    if (nodes.count > 0) {
      queue[end++] = 0;
      alive[0] = 1;
    }
    for (let at = 0; at < end; at++) {
      const node = queue[at];
      if (this.#closed.has(node)) continue;
      for (let edge = nodes.firstEdge[node]; edge < nodes.firstEdge[node + 1]; edge++) {
        const to = edges.to[edge];
        const type = edges.type[edge];
        if (alive[to] === 1 || type === weak || (type === internal && isOurs[edges.name[edge]])) {
          continue;
        }
        alive[to] = 1;
        queue[end++] = to;
      }
    }
    return alive;
  }

  /** Whether a reference is one that a program's author knows. */
  #isWay(node: number, edge: number, before: number): boolean {
    const name = this.#nameOf(edge);
    switch (this.#typeOf(edge)) {
      case 'context':
        return this.#nodeName(node) === CONTEXT && before === NONE;
      case 'property':
        return before !== NONE && !TO_PROTOTYPE.has(name);
      case 'element':
        return before !== NONE;
      case 'internal':
        if (name === 'table') return before !== NONE;
        // Slots of a collection's table, or of a suspended function's registers.
        return /^\d+$/.test(name) && (before === NONE || this.#nameOf(before) === 'table');
      default:
        return false;
    }
  }

  #step(node: number, edge: number): readonly HolderStep[] {
    const name = this.#nameOf(edge);
    switch (this.#typeOf(edge)) {
      case 'element':
        return [{ kind: 'index', name: String(this.#snapshot.edges.name[edge]) }];
      case 'internal':
        return name === 'table' ? [] : [{ kind: this.#slotKind(node, Number(name)), name: '' }];
      default: {
        const symbol = /^<symbol (.*)>$/.exec(name)?.[1];
        return [{ kind: 'property', name: symbol === undefined ? name : `[${symbol}]` }];
      }
    }
  }

  #slotKind(table: number, slot: number): 'key' | 'value' | 'member' {
    const length = (this.#snapshot.nodes.size[table] - ARRAY_HEADER_BYTES) / SLOT_BYTES;
    // Buckets are a power of two, so that only one of the two is possible.
    const buckets = (length - TABLE_HEADER) / (1 + 2 * MAP_ENTRY);
    if (!Number.isInteger(Math.log2(buckets))) return 'member';
    return (slot - TABLE_HEADER - buckets) % MAP_ENTRY === 0 ? 'key' : 'value';
  }

  #internal(node: number, name: string): number {
    for (const edge of this.#edgesOf(node)) {
      if (this.#typeOf(edge) === 'internal' && this.#nameOf(edge) === name) {
        return this.#snapshot.edges.to[edge];
      }
    }
    return NONE;
  }

  *#edgesOf(node: number): Iterable<number> {
    const { firstEdge } = this.#snapshot.nodes;
    for (let edge = firstEdge[node]; edge < firstEdge[node + 1]; edge++) yield edge;
  }

  #typeOf(edge: number): string {
    return this.#snapshot.edgeTypes[this.#snapshot.edges.type[edge]];
  }

  #nameOf(edge: number): string {
    return this.#snapshot.strings[this.#snapshot.edges.name[edge]] ?? '';
  }

  #nodeType(node: number): string {
    return this.#snapshot.nodeTypes[this.#snapshot.nodes.type[node]];
  }

  #nodeName(node: number): string {
    return this.#snapshot.strings[this.#snapshot.nodes.name[node]] ?? '';
  }
}
