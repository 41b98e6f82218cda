import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { Settings } from '../evidence/evidence.ts';
import type { Finding, FindingOwner, Fix, Forecast, Growth } from '../finding/finding.ts';
import { kernelStateOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { forecastDescriptors, growthByCount } from './growth.ts';
import { describeOwners, holdingsOf, ownerOf, type Holding } from './holders.ts';
import { countPeers } from './peers.ts';
import { countStates } from './rows.ts';
import { defineRule, type BlindSpot } from './rule.ts';
import { columnOf } from './settings.ts';
import { counted, grouped, percentOf } from './wording.ts';

const NEAR = 0.8;
const CRITICAL = 0.95;
/**
 * A program that has opened all that it needs may lower its limit below what is open, to be safe when it is broken into:
 * sshd(8) before a login sets it to 0.
 */
const SANDBOX_LIMIT = 32;

/** A process, or the whole host, that will soon be refused a descriptor. */
export const fdLimitNear = defineRule({
  id: 'fd-limit-near',
  needs: ['processes'],
  uses: ['sockets', 'owners', 'settings'],
  find({ processes, sockets, owners, settings }, { at, windowMs }) {
    const full = [...processes.values()].filter(isNear);
    const table = sockets?.last ?? null;
    const holdings =
      table === null || owners === null
        ? null
        : holdingsOf(new Set(full.map(({ pid }) => pid)), table, owners);
    // Descriptors are read of all processes; those in namespaces that were not looked at are for another run.
    const near = full.filter(
      ({ pid, netns }) =>
        holdings?.has(pid) !== false ||
        sockets?.netns.some(({ inode, problem }) => inode === netns && problem === null) === true,
    );
    const findings = bySiblings(near).map((group): Finding => {
      const [fullest] = group;
      const { open, limit } = useOf(fullest);
      const held = group.map(({ pid }) => holdings?.get(pid) ?? { fds: [], rows: [] });
      const rows = [...new Set(held.flatMap((holding) => holding.rows))];
      const members = group.map(({ pid }, i) => ownerOf(pid, held[i].fds, owners, processes));
      const growths = group.map((facts) => growthBetween(facts, windowMs));
      return {
        rule: 'fd-limit-near',
        severity: open >= limit * CRITICAL ? 'critical' : 'warning',
        title: titleOf(members, open, limit),
        why: whyOf(group, holdings === null ? null : held, table),
        cause: null,
        sockets: rows.length,
        oldest: null,
        owners: members,
        peers: table === null ? [] : countPeers(connectionsOf(rows, table), table),
        growth: fastestOf(growths),
        forecast: soonestOf(
          members.map((owner, i) => forecastDescriptors([owner], processes, growths[i], at)),
        ),
        fix: FIX,
        rows,
      };
    });
    const host = hostFinding(settings);
    return host === null ? findings : [...findings, host];
  },
  blindSpots({ processes }) {
    const unread = [...processes.values()].map(({ descriptors }) => descriptors);
    const [first, ...rest] = unread.filter((use) => use.kind === 'unavailable');
    if (first === undefined) return [];
    const more =
      rest.length === 0 ? '' : ` (and ${counted(rest.length, 'process', 'processes')} more)`;
    return [{ reason: first.reason + more, remedy: first.remedy } satisfies BlindSpot];
  },
});

interface Use {
  readonly open: number;
  readonly limit: number;
  readonly openBefore: number | null;
}

function useOf({ descriptors }: ProcessFacts): Use {
  if (descriptors.kind !== 'ok') return { open: 0, limit: Infinity, openBefore: null };
  const { open, limit, openBefore } = descriptors.value;
  return { open, limit: limit ?? Infinity, openBefore: openBefore ?? null };
}

function isNear(facts: ProcessFacts): boolean {
  const { open, limit } = useOf(facts);
  return limit >= SANDBOX_LIMIT && open >= limit * NEAR;
}

/** The workers of one server as one group each; the fullest first, of the groups and in each. */
function bySiblings(near: readonly ProcessFacts[]): ProcessFacts[][] {
  const groups = new Map<string, ProcessFacts[]>();
  for (const facts of near.toSorted((a, b) => shareOf(b) - shareOf(a))) {
    // Init is the parent of everything that has lost its own.
    const key =
      facts.parentPid <= 1 ? String(facts.pid) : `child of ${facts.parentPid}: ${facts.command}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [facts]);
    else group.push(facts);
  }
  return [...groups.values()];
}

function shareOf(facts: ProcessFacts): number {
  const { open, limit } = useOf(facts);
  return open / limit;
}

function titleOf(owners: readonly FindingOwner[], open: number, limit: number): string {
  const use = `${grouped(open)} of ${counted(limit, 'descriptor')} open (${percentOf(open, limit)})`;
  return owners.length === 1
    ? `${describeOwners(owners)} has ${use}`
    : `${describeOwners(owners)} have up to ${use} each`;
}

function growthBetween(facts: ProcessFacts, windowMs: number): Growth | null {
  const { open, openBefore } = useOf(facts);
  return openBefore === null ? null : growthByCount(Math.max(0, open - openBefore), windowMs);
}

function fastestOf(growths: readonly (Growth | null)[]): Growth | null {
  const [fastest] = growths
    .filter((growth) => growth !== null)
    .toSorted((a, b) => b.perMinute - a.perMinute);
  return fastest ?? null;
}

function soonestOf(forecasts: readonly (Forecast | null)[]): Forecast | null {
  const [soonest] = forecasts
    .filter((forecast) => forecast !== null)
    .toSorted((a, b) => a.at - b.at);
  return soonest ?? null;
}

function whyOf(
  group: readonly ProcessFacts[],
  held: readonly Holding[] | null,
  table: SocketTable | null,
): string {
  const { open, limit } = useOf(group[0]);
  const of = group.length === 1 ? '' : ` in pid ${group[0].pid}`;
  const then =
    open >= limit
      ? `accept, connect and open fail with EMFILE (too many open files) now${of}`
      : `after ${grouped(limit - open)} more${of}, accept, connect and open fail with EMFILE (too many open files)`;
  if (held === null || table === null) return then;
  // What siblings share is a descriptor of each.
  const rows = held.flatMap((holding) => holding.rows);
  const tcp = rows.length;
  if (tcp === 0) return `none of them is a TCP socket that was seen; ${then}`;
  const states = statesText(rows, table);
  const all = group.reduce((sum, facts) => sum + useOf(facts).open, 0);
  const rest =
    tcp * 2 < all
      ? '; most of the others are files, pipes or other sockets: look into /proc/PID/fd'
      : '';
  return `${counted(tcp, 'of them is a TCP socket', 'of them are TCP sockets')}: ${states}${rest}; ${then}`;
}

function connectionsOf(rows: readonly number[], table: SocketTable): number[] {
  return rows.filter((row) => kernelStateOf(table, row) !== KERNEL_STATE.LISTEN);
}

/** `4,790 CLOSE-WAIT, 22 ESTABLISHED` */
function statesText(rows: readonly number[], table: SocketTable): string {
  return countStates(rows, table)
    .map(([state, count]) => `${grouped(count)} ${state}`)
    .join(', ');
}

/** `fs.file-nr` holds the file handles in use, a zero and the limit of all processes together (fs/file_table.c). */
function hostFinding(settings: Settings | null): Finding | null {
  const open = columnOf(settings, 'fs.file-nr', 0);
  const limit = columnOf(settings, 'fs.file-max', 0);
  if (open === null || limit === null || limit === 0 || open < limit * NEAR) return null;
  return {
    rule: 'fd-limit-near',
    severity: open >= limit * CRITICAL ? 'critical' : 'warning',
    title: `the host has ${grouped(open)} of ${counted(limit, 'file handle')} open (${percentOf(open, limit)})`,
    why: 'fs.file-max bounds the open files of all processes together; beyond it every open, accept and connect without CAP_SYS_ADMIN fails with ENFILE',
    cause: null,
    sockets: 0,
    oldest: null,
    owners: [],
    peers: [],
    growth: null,
    forecast: null,
    fix: HOST_FIX,
    rows: [],
  };
}

export const FIX: Fix = {
  summary:
    'find out whether the descriptors are needed: close what is done with, bound what is not, and only then raise the limit',
  steps: [
    {
      language: 'host',
      text: "gain time without a restart: prlimit --pid PID --nofile=SOFT:HARD; for good: LimitNOFILE= in the systemd unit, --ulimit nofile= in Docker (a shell's ulimit -n and limits.conf do not reach services)",
    },
    {
      language: 'Node',
      text: 'server.maxConnections bounds what is accepted; agent.maxSockets bounds what is connected; Node has already raised the soft limit to the hard one, so raise the hard one',
    },
    {
      language: 'Python',
      text: 'resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard)) at the start; a semaphore around accept and connect; with-statements around what is opened',
    },
    {
      language: 'Go',
      text: 'defer Close() of every connection and response body; golang.org/x/net/netutil.LimitListener; since Go 1.19 the soft limit is raised to the hard one, so raise the hard one',
    },
    {
      language: 'Java',
      text: 'try-with-resources; a bounded connection pool; the JVM has already raised the soft limit to the hard one (-XX:+MaxFDLimit), so raise the hard one',
    },
  ],
  docs: 'docs/fd-limit-near.md',
};

const HOST_FIX: Fix = {
  summary: 'find the process with the most descriptors, and raise the limit if they are needed',
  steps: [
    {
      language: 'host',
      text: 'sysctl -w fs.file-max=N; the greatest holders: for p in /proc/[0-9]*; do echo "$(ls $p/fd 2>/dev/null | wc -l) $p"; done | sort -n | tail',
    },
  ],
  docs: 'docs/fd-limit-near.md',
};
