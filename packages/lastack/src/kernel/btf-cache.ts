import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { seen, unavailable, type Observation } from '@lastack/core';
import { parseBtf, type BtfFacts, type BtfWanted } from './btf.ts';

/** Where the kernel shows its types, and where facts about them are kept between runs. */
export interface BtfRoots {
  /** `/sys/kernel`. */
  readonly kernel: string;
  /** Null keeps nothing. */
  readonly cache: string | null;
}

/** A cache file is less than 2 KiB; anything much larger is not ours. */
const CACHE_BYTES_AT_MOST = 65_536;
/** Members lie within a 16-bit displacement of a BPF instruction. */
const OFFSET_AT_MOST = 0x7fff;
const OTHERS_MAY_WRITE = 0o022;

/**
 * The facts about the running kernel's types. Parsing takes about 20 ms, so they are kept in a file for each name, which holds
 * only for the kernel build (`/sys/kernel/notes`) that it was written under.
 */
export function readBtf(
  name: string,
  wanted: BtfWanted,
  roots: BtfRoots = { kernel: '/sys/kernel', cache: cacheFolder() },
): Observation<BtfFacts> {
  const build = readBuild(roots.kernel);
  const file =
    roots.cache === null || build === null ? null : join(roots.cache, `btf-${name}.json`);
  const kept = file === null ? null : readCache(file, build, wanted);
  if (kept !== null) return seen(kept);
  const path = join(roots.kernel, 'btf/vmlinux');
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return unavailable(
      `cannot read ${path}: ${reason}`,
      'use a kernel with CONFIG_DEBUG_INFO_BTF=y and mount sysfs',
    );
  }
  const parsed = parseBtf(bytes, wanted);
  if (parsed.kind === 'ok' && file !== null) writeCache(file, { build, ...parsed.value });
  return parsed;
}

/** `$XDG_CACHE_HOME/lastack`, else `~/.cache/lastack`; null when the variable is not an absolute path. */
export function cacheFolder(
  variable = process.env['XDG_CACHE_HOME'] ?? '',
  home = homedir(),
): string | null {
  const base = variable === '' ? join(home, '.cache') : variable;
  return isAbsolute(base) ? join(base, 'lastack') : null;
}

/** The kernel's ELF notes, with its build id. */
function readBuild(kernel: string): string | null {
  try {
    return fs.readFileSync(join(kernel, 'notes')).toString('base64');
  } catch {
    return null;
  }
}

/** What the file holds, if only we can have written it and it answers all that is wanted for this kernel. */
function readCache(file: string, build: string | null, wanted: BtfWanted): BtfFacts | null {
  try {
    if (!isOurs(fs.lstatSync(dirname(file)))) return null;
    const text = readOwnFile(file);
    const kept: unknown = text === null ? null : JSON.parse(text);
    if (!isRecord(kept) || kept['build'] !== build) return null;
    const offsets = pickNumbers(kept['offsets'], wanted.offsets, OFFSET_AT_MOST);
    const functions = pickNumbers(kept['functions'], wanted.functions, 0x7fffffff);
    return offsets === null || functions === null ? null : { offsets, functions };
  } catch {
    return null;
  }
}

function readOwnFile(file: string): string | null {
  const fd = fs.openSync(
    file,
    fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK,
  );
  try {
    const stat = fs.fstatSync(fd);
    const isPlausible = stat.isFile() && stat.size <= CACHE_BYTES_AT_MOST && isOurs(stat);
    return isPlausible ? fs.readFileSync(fd, 'utf8') : null;
  } finally {
    fs.closeSync(fd);
  }
}

/** Without a cache all works, only slower: a failure is not told. */
function writeCache(file: string, content: unknown): void {
  try {
    if (makeOwnFolder(dirname(file))) writeAtomically(file, JSON.stringify(content));
  } catch {
    // A full disk, a read-only home.
  }
}

/** Writes a file beside it and renames, so that a reader sees all or nothing. */
function writeAtomically(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  try {
    fs.writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
    fs.renameSync(draft, file);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw error;
  }
}

/** Makes the folder, and those above it, unless it would lie in a folder that others own or may write to. */
function makeOwnFolder(folder: string): boolean {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stat !== undefined) return stat.isDirectory() && isOurs(stat);
  if (folder === dirname(folder) || !makeOwnFolder(dirname(folder))) return false;
  fs.mkdirSync(folder, { mode: 0o700 });
  return true;
}

function isOurs(stat: fs.Stats): boolean {
  return stat.uid === process.geteuid?.() && (stat.mode & OTHERS_MAY_WRITE) === 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function pickNumbers(
  value: unknown,
  names: readonly string[],
  atMost: number,
): Record<string, number> | null {
  if (!isRecord(value)) return null;
  const picked: Record<string, number> = {};
  for (const name of names) {
    const number = value[name];
    if (typeof number !== 'number' || !Number.isInteger(number)) return null;
    if (number < 0 || number > atMost) return null;
    picked[name] = number;
  }
  return picked;
}
