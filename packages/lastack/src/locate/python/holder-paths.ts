import type { Edge, Referrers } from './holder-search.ts';
import { rootKind, type RootVariable } from './roots.ts';

/** How a socket is reached: a variable, and the references from what it holds down to the socket. */
export interface HolderPath {
  readonly variable: RootVariable;
  readonly edges: readonly Edge[];
}

export interface PathSource {
  readonly referrers: Referrers;
  /** Variables that refer to an object. */
  readonly variablesOf: (object: number) => readonly RootVariable[];
  /** The variable that an edge from a root itself is: of a module's dict, of a suspended frame. */
  readonly variableOf: (edge: Edge) => RootVariable | null;
  /** What stands for a variable where none is found: an object of a class of the user's. */
  readonly instanceAt: (object: number) => RootVariable | null;
}

const MOST_PLAIN = 8;
const MOST_PATHS = 1000;
const MOST_STEPS = 20_000;

/** The paths to a socket, those from the user's own variables first, then the short ones first. */
export function pathsTo(socket: number, source: PathSource): HolderPath[] {
  const paths: HolderPath[] = [];
  const seen = new Set([socket]);
  const queue: { readonly object: number; readonly edges: readonly Edge[] }[] = [
    { object: socket, edges: [] },
  ];
  let plain = 0;
  const add = (path: HolderPath) => {
    if (isPlain(path)) plain++;
    paths.push(path);
  };
  for (let next = 0; next < queue.length && next < MOST_STEPS; next++) {
    const { object, edges } = queue[next];
    if (plain >= MOST_PLAIN || paths.length >= MOST_PATHS) break;
    for (const variable of source.variablesOf(object)) add({ variable, edges });
    const instance = edges.length === 0 ? null : source.instanceAt(object);
    if (instance !== null) add({ variable: instance, edges });
    for (const edge of source.referrers.get(object) ?? []) {
      const variable = source.variableOf(edge);
      if (variable !== null) add({ variable, edges });
      else if (!seen.has(edge.parent)) {
        seen.add(edge.parent);
        queue.push({ object: edge.parent, edges: [edge, ...edges] });
      }
    }
  }
  return paths.toSorted((a, b) => rankOf(a) - rankOf(b) || a.edges.length - b.edges.length);
}

/** Whether a path begins with a variable of the user's. */
export function isPlain(path: HolderPath): boolean {
  return rankOf(path) === 0;
}

/** How far a path begins from what the user has written: 0 for a variable of his own. */
export function rankOf({ variable: { root } }: HolderPath): number {
  if (root.kind === 'instance') return 1;
  return { user: 0, package: 2, python: 3 }[rootKind(root)];
}
