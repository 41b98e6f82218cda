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
}

const MOST_PATHS = 16;
const MOST_STEPS = 20_000;
const RANKS = { user: 0, package: 1, python: 2 } as const;

/** The paths to a socket, those from the user's own code first, then the short ones first. */
export function pathsTo(socket: number, source: PathSource): HolderPath[] {
  const paths: HolderPath[] = [];
  const seen = new Set([socket]);
  const queue: { readonly object: number; readonly edges: readonly Edge[] }[] = [
    { object: socket, edges: [] },
  ];
  for (let next = 0; next < queue.length && next < MOST_STEPS; next++) {
    const { object, edges } = queue[next];
    if (paths.length >= MOST_PATHS) break;
    for (const variable of source.variablesOf(object)) paths.push({ variable, edges });
    for (const edge of source.referrers.get(object) ?? []) {
      const variable = source.variableOf(edge);
      if (variable !== null) paths.push({ variable, edges });
      else if (!seen.has(edge.parent)) {
        seen.add(edge.parent);
        queue.push({ object: edge.parent, edges: [edge, ...edges] });
      }
    }
  }
  return paths.toSorted((a, b) => rank(a) - rank(b) || a.edges.length - b.edges.length);
}

function rank({ variable }: HolderPath): number {
  return RANKS[rootKind(variable.root)];
}
