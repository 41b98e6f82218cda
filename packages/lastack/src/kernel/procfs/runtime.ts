import { basename } from 'node:path';
import type { Runtime } from '@lastack/core';
import { hasGoNote } from './go-note.ts';
import { readProcBytes, readProcText } from './read-proc.ts';

/** Program headers and the notes behind them. */
const ELF_START = 64 << 10;
/** A Java process maps some thousand files. */
const LONGEST_MAPS = 4 << 20;

/**
 * What a process is written in. Its executable's name tells at once; else a mapped libpython or libjvm (an embedded
 * interpreter), else the mark of the Go linker.
 * @param root `/proc`
 * @param executable what /proc/PID/exe says, or null when it cannot be read: then the command's name must do
 */
export function readRuntime(
  root: string,
  pid: number,
  executable: string | null,
  command: string,
): Runtime {
  const named = runtimeOfName(executable ?? command);
  if (named !== null || executable === null) return named ?? 'other';
  // Executable first: Go is decided by one read, while maps can be long.
  const start = readProcBytes(`${root}/${pid}/exe`, ELF_START);
  if (start.kind === 'ok' && hasGoNote(start.value)) return 'go';
  const maps = readProcText(`${root}/${pid}/maps`, LONGEST_MAPS);
  return maps.kind === 'ok' ? (runtimeOfMaps(maps.value) ?? 'other') : 'other';
}

/** The runtime that a file is named after, or null. */
export function runtimeOfName(path: string): Runtime | null {
  const name = basename(path.replace(/ \(deleted\)$/, ''));
  if (/^node(?:js)?(?:-?\d[\d.]*)?$/.test(name)) return 'node';
  if (/^(?:python|pypy)[\d.]*[a-z]?$/.test(name)) return 'python';
  if (name === 'java') return 'java';
  return null;
}

/** The runtime whose library is among the mapped files: proc_pid_maps(5). */
export function runtimeOfMaps(maps: string): Runtime | null {
  if (/\/libjvm\.so(?: \(deleted\))?$/m.test(maps)) return 'java';
  if (/\/libpython[\d.]+[a-z]?\.so/.test(maps)) return 'python';
  if (/\/libnode\.so/.test(maps)) return 'node';
  return null;
}
