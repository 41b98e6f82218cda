import { visitDict } from './dicts.ts';
import type { Frame, Frames } from './frames.ts';
import type { Interpreter } from './interpreter.ts';
import type { PythonObjects } from './objects.ts';
import { Unreadable } from './process-memory.ts';
import { sourceKind, type SourceKind } from './source-kind.ts';
import { readInterpreters, type ThreadStack } from './thread-stacks.ts';

/**
 * Where the path to an object begins: a local variable of a call, a global variable of a module, or, where there is neither,
 * an object of a class of the user's.
 */
export type Root =
  | {
      readonly kind: 'local';
      readonly frame: Frame;
      /** Of the thread that is in the call; null for one that is suspended: a coroutine, a generator. */
      readonly tid: number | null;
      readonly suspended: boolean;
    }
  | { readonly kind: 'global'; readonly module: Module }
  | { readonly kind: 'instance'; readonly module: Module; readonly className: string };

export interface Module {
  readonly name: string;
  /** `__file__`; `<string>` for a program without one. */
  readonly file: string;
}

/** A variable of a root that refers to an object. */
export interface RootVariable {
  readonly root: Root;
  readonly name: string;
}

const MOST_MODULES = 20_000;

/** What the local variables of all threads' calls refer to. */
export function readLocals(
  frames: Frames,
  stacks: readonly ThreadStack[],
): ReadonlyMap<number, readonly RootVariable[]> {
  const found = new Map<number, RootVariable[]>();
  for (const { tid, frames: calls } of stacks) {
    for (const frame of calls) {
      const root: Root = { kind: 'local', frame, tid, suspended: false };
      for (const { name, object } of attempt(() => frames.locals(frame)) ?? []) {
        const variables = found.get(object) ?? [];
        variables.push({ root, name });
        found.set(object, variables);
      }
    }
  }
  return found;
}

/** The dicts of all imported modules, by address: `sys.modules`. */
export function readModules(
  objects: PythonObjects,
  interpreter: Interpreter,
): ReadonlyMap<number, string> {
  const { memory, offsets } = objects;
  const dicts = new Map<number, string>();
  for (const interp of readInterpreters(objects, interpreter)) {
    attempt(() =>
      visitDict(objects, memory.pointer(interp + offsets.interp_modules), (key, module) => {
        const type = objects.typeOf(module);
        if (type === null || type.dictOffset <= 0 || dicts.size >= MOST_MODULES) return;
        const dict = attempt(() => memory.pointer(module + type.dictOffset)) ?? 0;
        const name = attempt(() => objects.name(key));
        if (dict !== 0 && name !== null) dicts.set(dict, name);
      }),
    );
  }
  return dicts;
}

/** What a module says of itself; null where its dict cannot be read, or is of C and says nothing. */
export function readModule(objects: PythonObjects, dict: number, name: string): Module | null {
  let file: string | null = name === '__main__' ? '<string>' : null;
  const read = attempt(() => {
    visitDict(objects, dict, (key, value) => {
      if (attempt(() => objects.name(key)) === '__file__') {
        file = attempt(() => objects.name(value)) ?? file;
      }
    });
    return true;
  });
  return read === null || file === null ? null : { name, file };
}

export function rootFile(root: Root): string {
  return root.kind === 'local' ? root.frame.code.file : root.module.file;
}

export function rootKind(root: Root): SourceKind {
  return sourceKind(rootFile(root));
}

/** Null where the process's memory is not what it was taken for. */
export function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}
