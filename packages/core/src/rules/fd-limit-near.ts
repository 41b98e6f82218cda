import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { Settings } from '../evidence/evidence.ts';
import type { Finding, Fix, Growth } from '../finding/finding.ts';
import { kernelStateOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { forecastDescriptors, growthOf } from './growth.ts';
import { holdingsOf, ownerOf, type Holding } from './holders.ts';
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
    const findings = near.map((facts): Finding => {
      const { open, limit, openBefore } = useOf(facts);
      const holding = holdings?.get(facts.pid) ?? { fds: [], rows: [] };
      const owner = ownerOf(facts.pid, holding.fds, owners, processes);
      const growth = growthBetween(open, openBefore, windowMs);
      return {
        rule: 'fd-limit-near',
        severity: open >= limit * CRITICAL ? 'critical' : 'warning',
        title: `${owner.command} (pid ${owner.pid}) has ${grouped(open)} of ${counted(limit, 'descriptor')} open (${percentOf(open, limit)})`,
        why: whyOf(open, limit, holdings === null ? null : holding, table),
        cause: null,
        sockets: holding.rows.length,
        oldest: null,
        owners: [owner],
        peers: table === null ? [] : countPeers(connectionsOf(holding, table), table),
        growth,
        forecast: forecastDescriptors([owner], processes, growth, at),
        fix: FIX,
        rows: holding.rows,
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

function growthBetween(open: number, before: number | null, windowMs: number): Growth | null {
  return before === null ? null : growthOf([], Math.max(0, open - before), windowMs);
}

function whyOf(
  open: number,
  limit: number,
  holding: Holding | null,
  table: SocketTable | null,
): string {
  const then =
    open >= limit
      ? 'accept, connect and open fail with EMFILE (too many open files) now'
      : `after ${grouped(limit - open)} more, accept, connect and open fail with EMFILE (too many open files)`;
  if (holding === null || table === null) return then;
  const tcp = holding.rows.length;
  if (tcp === 0) return `none of them is a TCP socket that was seen; ${then}`;
  const states = statesText(holding.rows, table);
  const rest =
    tcp * 2 < open
      ? '; most of the others are files, pipes or other sockets: look into /proc/PID/fd'
      : '';
  return `${counted(tcp, 'of them is a TCP socket', 'of them are TCP sockets')}: ${states}${rest}; ${then}`;
}

function connectionsOf({ rows }: Holding, table: SocketTable): number[] {
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

const FIX: Fix = {
  summary:
    'find out whether the descriptors are needed: close what is done with, bound what is not, and only then raise the limit',
  steps: [
    {
      language: 'host',
      text: 'gain time without a restart: prlimit --pid PID --nofile=SOFT:HARD; for good: LimitNOFILE= in the systemd unit, --ulimit nofile= in Docker (a shell’s ulimit -n and limits.conf do not reach services)',
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
