import { basename } from 'node:path';

export interface Version {
  readonly major: number;
  readonly minor: number;
}

/**
 * The version of a Python without `Py_Version`, from what its binary exports: PyCode_NewWithPosOnlyArgs() came with 3.8,
 * PyFrame_GetBack() with 3.9, Py_Is() with 3.10. Null for an older one.
 */
export function versionOfSymbols(names: { has: (name: string) => boolean }): Version | null {
  if (!names.has('PyCode_NewWithPosOnlyArgs')) return null;
  if (!names.has('PyFrame_GetBack')) return { major: 3, minor: 8 };
  return { major: 3, minor: names.has('Py_Is') ? 10 : 9 };
}

/** `PY_VERSION_HEX`, as `Py_Version` and `_Py_DebugOffsets` hold it: 0x030b07f0 is 3.11.7. */
export function versionOfHex(hex: number): Version | null {
  const major = Math.floor(hex / 2 ** 24) % 256;
  const minor = Math.floor(hex / 2 ** 16) % 256;
  return major === 3 && hex < 2 ** 32 ? { major, minor } : null;
}

/** What the name of a binary says: `libpython3.7m.so.1.0`, `python2.7`. Good for a message only. */
export function versionOfName(path: string): Version | null {
  const [, major, minor] = /python(\d)\.(\d{1,2})/.exec(basename(path)) ?? [];
  return minor === undefined ? null : { major: Number(major), minor: Number(minor) };
}

export function formatVersion({ major, minor }: Version): string {
  return `${major}.${minor}`;
}
