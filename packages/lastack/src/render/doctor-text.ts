import {
  NO_OWNER,
  RULES,
  counted,
  grouped,
  indexOwners,
  stateOf,
  type Evidence,
  type OwnerTable,
  type SocketTable,
  type TcpState,
} from '@lastack/core';
import { proseDuration } from './duration.ts';
import { findingLines, unknownLines } from './finding-text.ts';
import type { Report } from './report.ts';
import type { Paint } from './style.ts';
import { wrap } from './wrap.ts';

/** The whole diagnosis as text: findings, what is unknown, and what was looked at. */
export function doctorLines(
  { evidence, diagnosis: { findings, unknown }, whereabouts }: Report,
  paint: Paint,
  width: number,
): string[] {
  const lines: string[] = [];
  for (const finding of findings) {
    lines.push(...findingLines(finding, whereabouts.get(finding), evidence.at, paint, width), '');
  }
  if (unknown.length > 0) lines.push(...unknownLines(unknown, paint, width), '');
  lines.push(verdict(findings.length, unknown.length, paint), ...wrap(lookedAt(evidence), width));
  return lines;
}

function verdict(findings: number, unknown: number, paint: Paint): string {
  if (findings > 0) return `${findings} ${findings === 1 ? 'finding' : 'findings'}.`;
  if (unknown > 0)
    return 'No findings in what could be seen; see UNKNOWN above for what could not.';
  return `${paint('green', 'No findings')}: no socket is left open, stuck or short of room.`;
}

/** `Looked at 1,204 sockets (1,100 ESTABLISHED, 98 TIME-WAIT, 6 LISTEN) of 31 processes for 2 s, …` */
function lookedAt({ sockets, owners, windowMs }: Evidence): string {
  const parts: string[] = [];
  if (sockets.kind === 'ok') {
    const { last, netns, method } = sockets.value;
    const counts = new Map<TcpState, number>();
    for (let row = 0; row < last.count; row++) {
      const state = stateOf(last, row);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    const states = [...counts]
      .toSorted((a, b) => b[1] - a[1])
      .map(([state, count]) => `${grouped(count)} ${state}`);
    parts.push(
      `Looked at ${counted(last.count, 'socket')}${states.length === 0 ? '' : ` (${states.join(', ')})`}`,
    );
    const seen = netns.filter(({ problem }) => problem === null).length;
    if (netns.length > 1) parts.push(`in ${counted(seen, 'network namespace')}`);
    if (method === 'procfs') parts.push('from /proc/net/tcp');
  } else {
    parts.push('Saw no sockets');
  }
  const holders =
    owners.kind === 'ok' && sockets.kind === 'ok'
      ? holdersIn(sockets.value.last, owners.value)
      : null;
  if (holders !== null) parts.push(`of ${counted(holders, 'process', 'processes')}`);
  parts.push(windowMs === 0 ? 'once' : `for ${proseDuration(windowMs)}`);
  return `${parts.join(' ')}, with ${counted(RULES.length, 'rule')}.`;
}

/** How many processes hold these sockets; owners are those of the whole host. */
function holdersIn({ count, inode }: SocketTable, owners: OwnerTable): number {
  const index = indexOwners(owners);
  const pids = new Set<number>();
  for (let row = 0; row < count; row++) {
    if (inode[row] === 0) continue;
    let at = index.firstOwner(inode[row]);
    for (; at !== NO_OWNER; at = index.nextOwner(at)) pids.add(owners.pid[at]);
  }
  return pids.size;
}
