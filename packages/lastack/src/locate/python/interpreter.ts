import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { seen, unavailable, type Observation, type Unavailable } from '@lastack/core';
import { failedRead, orEnded, readProcLink, readProcText } from '../../kernel/procfs/read-proc.ts';
import type { ElfSymbols } from '../elf.ts';
import { DEBUG_OFFSETS_SIZE, parseDebugOffsets } from './debug-offsets.ts';
import { parseMappings, type Mapping } from './mappings.ts';
import { OFFSET_TABLE } from './offset-table.ts';
import type { Offsets } from './offsets.ts';
import { Unreadable, type ProcessMemory } from './process-memory.ts';
import { readSymbols } from './read-symbols.ts';
import {
  formatVersion,
  versionOfHex,
  versionOfName,
  versionOfSymbols,
  type Version,
} from './version.ts';

/** The Python of a process. */
export interface Interpreter {
  readonly version: Version;
  readonly offsets: Offsets;
  /** Address of `_PyRuntime`. */
  readonly runtime: number;
}

const LIBPYTHON = /\/libpython\d[\d.]*[a-z]*\.so/;

/**
 * Finds the interpreter of a process: the mapped libpython, else the executable, whose symbols say where `_PyRuntime` is and
 * which version it is. A version that was not verified is refused, never guessed.
 * @param root `/proc`
 * @param memory opened before: then what is mapped now belongs to the same program, or the memory reads nothing
 */
export function findInterpreter(
  root: string,
  pid: number,
  memory: ProcessMemory,
): Observation<Interpreter> {
  const maps = orEnded(readProcText(`${root}/${pid}/maps`), pid);
  const exe = orEnded(readProcLink(`${root}/${pid}/exe`), pid);
  if (maps.kind !== 'ok') return maps;
  if (exe.kind !== 'ok') return exe;
  const mappings = parseMappings(maps.value);
  const library = mappings.find(({ path }) => LIBPYTHON.test(path));
  const files = library === undefined ? [] : [library];
  const program = executableAmong(mappings, `${root}/${pid}/exe`);
  if (program !== null) files.push(program);
  for (const file of files) {
    const symbols = readMapped(root, pid, file, file === program);
    if (symbols.kind !== 'ok') return symbols;
    const found = symbols.value;
    if (found === null || !isPython(found, file.path)) continue;
    return identify(pid, memory, found, file);
  }
  const name = basename(exe.value);
  return /pypy/.test(name)
    ? unsupported('PyPy', pid)
    : unavailable(
        `the interpreter of process ${pid} was not found: ${name} has no symbols of a Python for x86-64`,
        `run py-spy dump --pid ${pid}`,
      );
}

function isPython({ addresses }: ElfSymbols, path: string): boolean {
  const named = versionOfName(path);
  return addresses.has('_PyRuntime') || (named !== null && addresses.has('Py_GetVersion'));
}

function executableAmong(mappings: readonly Mapping[], exe: string): Mapping | null {
  try {
    const { ino } = statSync(exe);
    return mappings.find((mapping) => mapping.inode === ino) ?? null;
  } catch {
    return null;
  }
}

/**
 * The file that is mapped, even where another has its name by now: the executable's link and, for root, the links in
 * map_files lead to it; a path within the process's root is compared by its inode.
 */
function readMapped(
  root: string,
  pid: number,
  file: Mapping,
  isExecutable: boolean,
): Observation<ElfSymbols | null> {
  const range = `${file.start.toString(16)}-${file.end.toString(16)}`;
  const paths = isExecutable
    ? [`${root}/${pid}/exe`]
    : [`${root}/${pid}/map_files/${range}`, `${root}/${pid}/root${file.path}`];
  let last: Unavailable | 'replaced' = 'replaced';
  for (const path of paths) {
    try {
      const read = readSymbols(path, file.inode);
      if (read.kind === 'read') return seen(read.symbols);
      last = 'replaced';
    } catch (error) {
      const why = failedRead(path, error);
      last = why.kind === 'gone' ? 'replaced' : why;
    }
  }
  const what = `${file.path} of process ${pid}`;
  return last === 'replaced'
    ? unavailable(`${what} was replaced since it started`, 'run as root, or restart the process')
    : unavailable(`${what} cannot be read`, last.remedy);
}

function identify(
  pid: number,
  memory: ProcessMemory,
  symbols: ElfSymbols,
  file: Mapping,
): Observation<Interpreter> {
  const bias = biasOf(symbols, file);
  const address = symbols.addresses.get('_PyRuntime');
  const named = versionOfName(file.path);
  const old = named === null ? 'CPython before 3.8' : `CPython ${formatVersion(named)}`;
  if (address === undefined || bias === null) return unsupported(old, pid);
  const runtime = bias + address;
  try {
    const version = readVersion(memory, symbols, bias);
    if (version === null) return unsupported(old, pid);
    const name = `CPython ${formatVersion(version)}`;
    const debug = parseDebugOffsets(memory.bytes(runtime, DEBUG_OFFSETS_SIZE, DEBUG_OFFSETS_SIZE));
    if (debug?.freeThreaded === true) return unsupported(`free-threaded ${name}`, pid);
    const measured = offsetsOf(version);
    if (measured === null) return notVerified(name, pid);
    if (version.minor < 13) return seen({ version, offsets: measured, runtime });
    if (debug === null || debug.version.minor !== version.minor) return notVerified(name, pid);
    return seen({ version, offsets: { ...measured, ...debug.offsets }, runtime });
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return unavailable(`process ${pid} ended or changed while it was read`, 'run lastack again');
  }
}

function readVersion(memory: ProcessMemory, symbols: ElfSymbols, bias: number): Version | null {
  const address = symbols.addresses.get('Py_Version');
  if (address === undefined) return versionOfSymbols(symbols.addresses);
  return versionOfHex(memory.u32(bias + address));
}

/** What the loader added to the addresses of the file; null where its first page is not what is mapped there. */
function biasOf({ movable, base }: ElfSymbols, file: Mapping): number | null {
  if (!movable) return 0;
  return file.offset === 0 ? file.start - base : null;
}

function offsetsOf(version: Version): Offsets | null {
  const table: Readonly<Record<string, Offsets>> = OFFSET_TABLE;
  return table[formatVersion(version)] ?? null;
}

function notVerified(name: string, pid: number): Unavailable {
  return unsupported(`${name} was not verified`, pid);
}

function unsupported(what: string, pid: number): Unavailable {
  return unavailable(`unsupported: ${what}`, `run py-spy dump --pid ${pid}`);
}
