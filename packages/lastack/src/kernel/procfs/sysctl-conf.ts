import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ConfiguredSetting } from '@lastack/core';

/** The folders of sysctl.d(5); a file hides those of the same name in the folders after it. */
const FOLDERS = ['etc', 'run', 'usr/local/lib', 'usr/lib', 'lib'] as const;
const LONGEST_FILE = 1 << 20;

/**
 * Parses a sysctl.conf(5) file: `key = value` lines, comments with `#` or `;`, a leading `-` where failure is ignored.
 * Other lines are passed over, as sysctl(8) does.
 * @param file the name to report
 */
export function parseSysctlConf(text: string, file: string): readonly ConfiguredSetting[] {
  const settings: ConfiguredSetting[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const line = content.trim();
    const equals = line.indexOf('=');
    if (/^[#;]/.test(line) || equals < 1) continue;
    const key = dottedKey(line.slice(0, equals).trim().replace(/^-/, ''));
    const value = line.slice(equals + 1).trim();
    if (key !== '') settings.push({ file, line: index + 1, key, value });
  }
  return settings;
}

/**
 * Reads what the configuration asks for, in the order in which it is applied: sysctl.d files by name, then
 * /etc/sysctl.conf. Files that cannot be read are passed over: they are readable for everyone as a rule.
 * @param root `/`, or the root of another file system
 */
export function readSysctlConf(root: string): readonly ConfiguredSetting[] {
  const files = new Map<string, string>();
  for (const folder of FOLDERS) {
    const path = join(root, folder, 'sysctl.d');
    for (const name of namesIn(path)) {
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, join(path, name));
    }
  }
  const ordered = [...files.values()].toSorted((a, b) => compare(basename(a), basename(b)));
  const settings: ConfiguredSetting[] = [];
  const done = new Set<string>();
  for (const path of [...ordered, join(root, 'etc/sysctl.conf')]) {
    const file = readRegularFile(path);
    if (file === null || done.has(file.real)) continue;
    done.add(file.real);
    settings.push(...parseSysctlConf(file.text, path));
  }
  return settings;
}

/** `net/ipv4/conf/eth0.1/rp_filter` and `net.ipv4.conf.eth0/1.rp_filter` are one key: the first separator decides. */
function dottedKey(key: string): string {
  if (/[./]/.exec(key)?.[0] !== '/') return key;
  return key.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/'));
}

/** A regular, readable file, links followed; /dev/null (a file switched off) and pipes are none. */
function readRegularFile(path: string): { readonly real: string; readonly text: string } | null {
  try {
    const real = realpathSync(path);
    const stat = statSync(real);
    if (!stat.isFile() || stat.size > LONGEST_FILE) return null;
    return { real, text: readFileSync(real, 'utf8') };
  } catch {
    return null;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** As strcmp does. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
