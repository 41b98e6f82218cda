import type { Location } from '@lastack/core';
import { createdAt } from '../locate/recorded/created-at.ts';
import type { Frame } from '../locate/recorded/slot.ts';
import type { Leak } from './leak.ts';

/** `warning`: open at the end. `leak`: the peer had closed. `critical`: a hundred of those, as for the doctor. */
export const RUN_SEVERITIES = ['warning', 'leak', 'critical'] as const;
export type RunSeverity = (typeof RUN_SEVERITIES)[number];

const CRITICAL_COUNT = 100;

/** Sockets that were made at one place and not closed, to one peer. */
export interface RunFinding {
  readonly kind: Leak['kind'];
  readonly severity: RunSeverity;
  /** `10.0.3.7:6379`; without the port where it is a client's. */
  readonly peer: string;
  readonly count: number;
  readonly oldestMs: number | null;
  readonly owners: readonly {
    readonly pid: number;
    readonly command: string | null;
    readonly fds: readonly number[];
  }[];
  /** Where they were made; null where nobody recorded it. */
  readonly created: Location | null;
  readonly stack: readonly Frame[];
}

/** The leaks by kind, place and peer; the most first. */
export function findingsOf(leaks: readonly Leak[]): RunFinding[] {
  const groups = grouped(leaks, (leak) => {
    const { kind, stack } = leak;
    return JSON.stringify([kind, stack?.own, peerOf(leak)]);
  });
  return [...groups.values()]
    .map(describe)
    .toSorted((a, b) => severityRank(b) - severityRank(a) || b.count - a.count);
}

export function reaches(finding: RunFinding, limit: RunSeverity): boolean {
  return severityRank(finding) >= RUN_SEVERITIES.indexOf(limit);
}

function severityRank({ severity }: RunFinding): number {
  return RUN_SEVERITIES.indexOf(severity);
}

function describe(leaks: readonly Leak[]): RunFinding {
  const [{ kind, stack }] = leaks;
  const ages = leaks.map(({ ms }) => ms).filter((ms) => ms !== null);
  return {
    kind,
    severity: severityOf(kind, leaks.length),
    peer: peerOf(leaks[0]),
    count: leaks.length,
    oldestMs: ages.length === 0 ? null : Math.round(Math.max(...ages)),
    owners: [...grouped(leaks, ({ pid }) => pid).values()].map((theirs) => ({
      pid: theirs[0].pid,
      command: theirs[0].command,
      fds: theirs.map(({ fd }) => fd).toSorted((a, b) => a - b),
    })),
    created: stack === null ? null : createdAt(stack.own),
    stack: stack?.frames ?? [],
  };
}

function severityOf(kind: Leak['kind'], count: number): RunSeverity {
  if (kind === 'open-at-exit') return 'warning';
  return count >= CRITICAL_COUNT ? 'critical' : 'leak';
}

function peerOf({ peer: { address, port }, stack }: Leak): string {
  if (stack?.kind === 'accept') return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function grouped<K>(leaks: readonly Leak[], keyOf: (leak: Leak) => K): Map<K, Leak[]> {
  const groups = new Map<K, Leak[]>();
  for (const leak of leaks) {
    const key = keyOf(leak);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [leak]);
    else group.push(leak);
  }
  return groups;
}
