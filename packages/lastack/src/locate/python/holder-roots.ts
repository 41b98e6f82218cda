import { visitDict } from './dicts.ts';
import { IDENTIFIER } from './holder-name.ts';
import type { PathSource } from './holder-paths.ts';
import type { Edge } from './holder-search.ts';
import { TPFLAGS } from './objects.ts';
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
import type { ThreadStack } from './thread-stacks.ts';

/** What holds all transports of asyncio, and tells nothing about who should close them. */
const EVENT_LOOP = /EventLoop$/;

export interface Roots extends Omit<PathSource, 'referrers'> {
  readonly isEnd: (object: number) => boolean;
}

/** What the search takes for the beginning of a path. */
export function rootsOf(view: PythonView, stacks: readonly ThreadStack[]): Roots {
  const { objects } = view;
  const locals = readLocals(view.frames, stacks);
  const modules =
    attempt(() => readModules(objects, view.interpreter)) ?? new Map<number, string>();
  const dicts = new Map([...modules].map(([dict, name]) => [name, dict]));
  const read = new Map<number, Module | null>();
  const moduleAt = (dict: number): Module | null => {
    const name = modules.get(dict);
    if (name === undefined) return null;
    const known = read.get(dict);
    const module = known === undefined ? readModule(objects, dict, name) : known;
    read.set(dict, module);
    return module;
  };
  return {
    variablesOf: (object) => locals.get(object) ?? [],
    variableOf: (edge) => globalOf(view, edge, moduleAt) ?? suspendedOf(view, edge),
    instanceAt: (object) => instanceOf(view, object, (name) => moduleAt(dicts.get(name) ?? 0)),
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

/** An object of a class of the user's: where no variable leads to a socket, its class says more than nothing. */
function instanceOf(
  { objects }: PythonView,
  object: number,
  moduleNamed: (name: string) => Module | null,
): RootVariable | null {
  const { memory, offsets } = objects;
  const type = objects.typeOf(object);
  if (type === null || (type.flags & TPFLAGS.HEAPTYPE) === 0 || !IDENTIFIER.test(type.name)) {
    return null;
  }
  let module: Module | null = null;
  attempt(() => {
    const dict = memory.pointer(memory.pointer(object + offsets.ob_type) + offsets.tp_dict);
    visitDict(objects, dict, (key, value) => {
      if (attempt(() => objects.name(key)) !== '__module__') return;
      const name = attempt(() => objects.name(value));
      module = name === null ? null : moduleNamed(name);
    });
  });
  if (module === null) return null;
  const root = { kind: 'instance', module, className: type.name } as const;
  return rootKind(root) === 'user' ? { root, name: `${type.name}()` } : null;
}
