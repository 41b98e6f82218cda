import type { Code, CodeObjects } from './code-objects.ts';
import type { PythonObjects } from './objects.ts';
import { isAddress, Unreadable } from './process-memory.ts';

/** One call on a stack. */
export interface Frame {
  /** Of the `_PyInterpreterFrame`, until 3.10 of the `PyFrameObject`. */
  readonly address: number;
  readonly codeAddress: number;
  readonly code: Code;
  /** The line that it executes; null where the table gives none. */
  readonly line: number | null;
}

export interface LocalVariable {
  readonly name: string;
  readonly index: number;
  /** Address of what it holds. */
  readonly object: number;
}

/** `enum _frameowner`: the interpreter's own frame between two runs of the evaluation loop, from 3.12 on. */
const FRAME_OWNED_BY_CSTACK = 3;
const CODE_UNIT = 2;
const MOST_FRAMES = 500;

/** Reads the frames of a stack, innermost first. */
export class Frames {
  readonly #objects: PythonObjects;
  readonly #codes: CodeObjects;
  readonly #minor: number;

  constructor(objects: PythonObjects, codes: CodeObjects, minor: number) {
    this.#objects = objects;
    this.#codes = codes;
    this.#minor = minor;
  }

  /**
   * Follows a stack from its innermost frame.
   * @returns complete only where the outermost frame was reached and every frame was one
   */
  walk(innermost: number): { readonly frames: readonly Frame[]; readonly complete: boolean } {
    const { memory, offsets } = this.#objects;
    const frames: Frame[] = [];
    const visited = new Set<number>();
    try {
      for (let at = innermost; at !== 0; at = memory.pointer(at + offsets.f_previous)) {
        if (visited.has(at) || visited.size >= MOST_FRAMES) return { frames, complete: false };
        visited.add(at);
        const frame = this.read(at);
        if (frame === null) continue;
        frames.push(frame);
      }
      return { frames, complete: true };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { frames, complete: false };
    }
  }

  /** @returns null for a frame without code, that of the C stack */
  read(address: number): Frame | null {
    const { memory, offsets } = this.#objects;
    if (offsets.f_owner >= 0 && memory.u8(address + offsets.f_owner) === FRAME_OWNED_BY_CSTACK) {
      return null;
    }
    if (offsets.f_owner < 0) this.#objects.expectType(address, 'frame');
    const codeAddress = memory.pointer(address + offsets.f_code);
    const code = this.#codes.at(codeAddress);
    const line = this.#codes.lineOf(code, this.#instruction(address, codeAddress));
    return { address, codeAddress, code, line };
  }

  /** The names of a frame's local variables, by their index. */
  localNames(frame: Frame): readonly string[] {
    return this.#codes.localsOf(frame.codeAddress);
  }

  /** The local variables of a frame that hold something, cells and closure variables included. */
  locals(frame: Frame): LocalVariable[] {
    const { offsets } = this.#objects;
    const names = this.localNames(frame);
    const at = frame.address + offsets.f_localsplus;
    const values = this.#objects.pointers(at, names.length, names.length);
    return names.flatMap((name, index) =>
      isAddress(values[index]) ? { name, index, object: values[index] } : [],
    );
  }

  /** The offset of the instruction in its code, bytes. */
  #instruction(address: number, codeAddress: number): number {
    const { memory, offsets } = this.#objects;
    if (offsets.f_instr >= 0) {
      return memory.u64(address + offsets.f_instr) - (codeAddress + offsets.co_code_adaptive);
    }
    const lasti = memory.i32(address + offsets.f_lasti);
    // Counted in code units in 3.10 only.
    return this.#minor === 10 ? lasti * CODE_UNIT : lasti;
  }
}
