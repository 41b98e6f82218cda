import { readFileSync } from 'node:fs';

/** A container, as the path of its control group names it. */
export interface Container {
  /** `docker`, `containerd`, `cri-o`, `podman`, `nspawn`, `lxc`; `container` where only the id tells. */
  readonly runtime: string;
  /** A chosen name (nspawn, lxc), else the first 12 digits of the id, as `docker ps` shows it. */
  readonly name: string;
}

const SHOWN_DIGITS = 12;

/** What one folder of the path may be; `$1` is the name or id. The monitors beside a container (conmon) do not match. */
const SEGMENTS: readonly (readonly [RegExp, runtime: string])[] = [
  [/^docker-([0-9a-f]{64})\.scope$/, 'docker'],
  [/^(?:cri-containerd|nerdctl)-([0-9a-f]{64})\.scope$/, 'containerd'],
  [/:cri-containerd:([0-9a-f]{64})$/, 'containerd'],
  [/^crio-([0-9a-f]{64})(?:\.scope)?$/, 'cri-o'],
  [/^libpod-([0-9a-f]{64})(?:\.scope)?$/, 'podman'],
  [/^systemd-nspawn@(.+)\.service$/, 'nspawn'],
  [/^machine-(.+)\.scope$/, 'nspawn'],
  [/^lxc\.payload\.(.+)$/, 'lxc'],
];
/** A folder whose meaning depends on the one that it is in. */
const PARENTS: Readonly<Record<string, string>> = { lxc: 'lxc', 'lxc.payload': 'lxc' };
const ID = /^[0-9a-f]{64}$/;

/**
 * The container of a process, from the text of /proc/PID/cgroup (cgroups(7)), version 1, 2 or both; null outside of one.
 * Of containers within containers the innermost.
 */
export function parseContainer(cgroup: string): Container | null {
  for (const line of cgroup.split('\n')) {
    // hierarchy-ID:controller-list:cgroup-path; the path may hold colons.
    const path = /^\d+:[^:]*:(.*)$/.exec(line)?.[1];
    if (path === undefined) continue;
    const segments = path.split('/');
    for (let depth = segments.length - 1; depth >= 0; depth--) {
      const container = parseSegment(segments, depth);
      if (container !== null) return container;
    }
  }
  return null;
}

function parseSegment(segments: readonly string[], depth: number): Container | null {
  const segment = segments[depth];
  const parent = segments[depth - 1] ?? '';
  if (segment === '') return null;
  for (const [pattern, runtime] of SEGMENTS) {
    const name = pattern.exec(segment)?.[1];
    if (name !== undefined) return { runtime, name: readable(name) };
  }
  if (Object.hasOwn(PARENTS, parent)) return { runtime: PARENTS[parent], name: readable(segment) };
  if (!ID.test(segment)) return null;
  return { runtime: parent === 'docker' ? 'docker' : 'container', name: readable(segment) };
}

/** Shortens an id; undoes systemd's escapes in a name (systemd.unit(5): `\x2d` is `-`). */
function readable(name: string): string {
  if (ID.test(name)) return name.slice(0, SHOWN_DIGITS);
  return name.replaceAll(/\\x([2-7][0-9a-f])/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
}

/** The container that a process belongs to; null for none, and for a process that ended or may not be read. */
export function readContainerName(pid: number, proc = '/proc'): string | null {
  try {
    return parseContainer(readFileSync(`${proc}/${pid}/cgroup`, 'utf8'))?.name ?? null;
  } catch {
    return null;
  }
}
