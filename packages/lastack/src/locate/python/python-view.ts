import { CodeObjects } from './code-objects.ts';
import { Frames } from './frames.ts';
import type { Interpreter } from './interpreter.ts';
import { PythonObjects } from './objects.ts';
import type { ProcessMemory } from './process-memory.ts';
import { References } from './references.ts';

/** The memory of a process, seen as what its Python keeps there. */
export interface PythonView {
  readonly memory: ProcessMemory;
  readonly interpreter: Interpreter;
  readonly objects: PythonObjects;
  readonly codes: CodeObjects;
  readonly frames: Frames;
  readonly references: References;
}

export function viewPython(memory: ProcessMemory, interpreter: Interpreter): PythonView {
  const { offsets, version } = interpreter;
  const objects = new PythonObjects(memory, offsets);
  const codes = new CodeObjects(objects, version.minor);
  const frames = new Frames(objects, codes, version.minor);
  const references = new References(objects, frames, version.minor);
  return { memory, interpreter, objects, codes, frames, references };
}
