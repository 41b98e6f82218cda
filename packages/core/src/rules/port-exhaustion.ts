// Read first: __inet_hash_connect() of net/ipv4/inet_hashtables.c, how connect(2) chooses a local port.
import type { Settings, SocketSight } from '../evidence/evidence.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { TIME_WAIT_MS } from '../socket/age.ts';
import { formatAddress } from '../socket/address.ts';
import { kernelStateOf, localBytesOf, localPortOf, remoteBytesOf, timerOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE, maskOfStates } from '../tcp/state.ts';
import { holdersOf } from './holders.ts';
import { listenersOf } from './listeners.ts';
import { measuredNetnsOf, unmeasuredNetns } from './measured-netns.ts';
import { countPeers, remoteOf } from './peers.ts';
import { largeGroups } from './port-groups.ts';
import { portRangeOf, type PortRange } from './port-range.ts';
import { defineRule, type Parts } from './rule.ts';
import { numberOf } from './settings.ts';
import { counted, grouped, percentOf } from './wording.ts';

/** connect() looks at the ports of one parity first, and searches longer and longer when those are used. */
const HALF = 0.5;
const CRITICAL = 0.9;
/** More ports than one parity has, each used once: see `isBound()`. */
const BOUND = 0.6;
const RECENT_MS = 10_000;
/** States of a connection that this end has asked for. */
const CONNECTED = maskOfStates([
  'SYN-SENT',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'LAST-ACK',
  'CLOSING',
  'TIME-WAIT',
]);

/** Outgoing connections that use up the local ports towards one destination. */
export const portExhaustion = defineRule({
  id: 'port-exhaustion',
  needs: ['sockets', 'settings'],
  uses: ['owners', 'processes'],
  find(seen) {
    const { sockets, settings } = seen;
    const range = portRangeOf(settings);
    const rows = outgoingRows(sockets, range);
    const table = sockets.last;
    const least = Math.max(1, Math.ceil(range.size * HALF));
    if (rows.length < least) return [];
    const groups = largeGroups(table, rows, 'source and destination', least);
    const findings = groups
      .map((group) => useOf(group, table, settings))
      .filter(({ ports }) => ports >= least)
      .map((use) => crowdedFinding(use, range, seen));
    const crowded = new Set(groups.map(([row]) => sourceOf(table, row)));
    for (const group of largeGroups(table, rows, 'source', range.size * BOUND)) {
      if (!crowded.has(sourceOf(table, group[0])) && isBound(group, table)) {
        findings.push(boundFinding(group, range, seen));
      }
    }
    return findings;
  },
  blindSpots: ({ sockets }) => unmeasuredNetns(sockets),
});

type Seen = Pick<Parts, 'sockets' | 'settings'> & {
  readonly [Name in 'owners' | 'processes']: Parts[Name] | null;
};

/** Rows whose local port connect() may have chosen. */
function outgoingRows(sockets: SocketSight, { usable }: PortRange): Uint32Array {
  const table = sockets.last;
  const netns = measuredNetnsOf(sockets);
  const free = usable.slice();
  for (const row of listenersOf(table).rows) {
    if (table.netns[row] === netns) free[localPortOf(table, row)] = 0;
  }
  const rows = new Uint32Array(table.count);
  let count = 0;
  for (let row = 0; row < table.count; row++) {
    if (((CONNECTED >>> kernelStateOf(table, row)) & 1) === 0 || table.netns[row] !== netns)
      continue;
    if (free[localPortOf(table, row)] === 1) rows[count++] = row;
  }
  return rows.subarray(0, count);
}

/** The local ports of one source towards one destination. */
interface Use {
  /** Rows whose port a new connection cannot have. */
  readonly taken: readonly number[];
  readonly ports: number;
  readonly live: readonly number[];
  readonly timeWait: number;
  /** TIME-WAITs whose port tcp_tw_reuse gives to a new connection. */
  readonly reusable: number;
  /** How many have entered TIME-WAIT a second, lately. */
  readonly closedPerSecond: number;
}

function useOf(group: readonly number[], table: SocketTable, settings: Settings): Use {
  const reuseAfterMs = reuseAfter(settings, table, group[0]);
  const live: number[] = [];
  const taken: number[] = [];
  let timeWait = 0;
  let recent = 0;
  for (const row of group) {
    if (kernelStateOf(table, row) !== KERNEL_STATE['TIME-WAIT']) {
      live.push(row);
      taken.push(row);
      continue;
    }
    timeWait++;
    const age = timerOf(table, row) === 'time-wait' ? TIME_WAIT_MS - table.expires[row] : 0;
    if (age <= RECENT_MS) recent++;
    if (age <= reuseAfterMs) taken.push(row);
  }
  return {
    taken,
    ports: distinctPorts(taken, table),
    live,
    timeWait,
    reusable: group.length - taken.length,
    closedPerSecond: recent / (RECENT_MS / 1000),
  };
}

/**
 * From which age on the port of a TIME-WAIT is given to a new connection to the same destination: tcp_twsk_unique() of
 * net/ipv4/tcp_ipv4.c. tcp_tw_reuse 1: everywhere, 2 (the default): on loopback; only with time stamps.
 */
function reuseAfter(settings: Settings, table: SocketTable, row: number): number {
  const reuse = numberOf(settings, 'net.ipv4.tcp_tw_reuse', 2);
  const isOn = reuse === 1 || (reuse === 2 && isLoopback(table, row));
  if (!isOn || numberOf(settings, 'net.ipv4.tcp_timestamps', 1) === 0) return Infinity;
  return numberOf(settings, 'net.ipv4.tcp_tw_reuse_delay', 1000);
}

function isLoopback(table: SocketTable, row: number): boolean {
  return [localBytesOf(table, row), remoteBytesOf(table, row)].some((bytes) => {
    const text = formatAddress(bytes);
    return text === '::1' || text.startsWith('127.') || text.startsWith('::ffff:127.');
  });
}

function crowdedFinding(
  use: Use,
  range: PortRange,
  { sockets, owners, processes, settings }: Seen,
): Finding {
  const table = sockets.last;
  const { taken, ports } = use;
  return {
    rule: 'port-exhaustion',
    severity: ports >= range.size * CRITICAL ? 'critical' : 'warning',
    title: `${grouped(ports)} of ${counted(range.size, 'local port')} from ${sourceOf(table, taken[0])} to ${remoteOf(table, taken[0])} are in use (${percentOf(ports, range.size)})`,
    why: [
      usedText(use),
      reuseText(use, settings),
      allowedText(use, range),
      ports < range.size
        ? 'past one half connect() searches longer, at the end it fails with EADDRNOTAVAIL'
        : 'connect() fails with EADDRNOTAVAIL (cannot assign requested address) now',
    ]
      .filter((text) => text !== null)
      .join('; '),
    cause: null,
    sockets: taken.length,
    oldest: null,
    owners: holdersOf(use.live, table, owners, processes),
    peers: [{ peer: remoteOf(table, taken[0]), count: taken.length }],
    growth: null,
    forecast: null,
    fix: FIX,
    rows: taken,
  };
}

function usedText({ live, timeWait, reusable }: Use): string {
  const waiting = timeWait - reusable;
  const parts: string[] = [];
  if (live.length > 0)
    parts.push(`${grouped(live.length)} by connections that are open or closing`);
  if (waiting > 0)
    parts.push(`${grouped(waiting)} by TIME-WAITs (closed by this end in the last 60 s)`);
  return parts.join(', ');
}

function reuseText({ timeWait, reusable }: Use, settings: Settings): string | null {
  if (timeWait === 0) return null;
  if (reusable > 0)
    return `${grouped(reusable)} more in TIME-WAIT do not count, because tcp_tw_reuse gives them away`;
  const reuse = numberOf(settings, 'net.ipv4.tcp_tw_reuse', 2);
  if (numberOf(settings, 'net.ipv4.tcp_timestamps', 1) === 0) {
    return 'tcp_timestamps is 0, so no TIME-WAIT is reused';
  }
  return reuse === 1
    ? null
    : `tcp_tw_reuse is ${reuse}, so no TIME-WAIT of this destination is reused`;
}

function allowedText(
  { live, timeWait, reusable, closedPerSecond }: Use,
  { size }: PortRange,
): string | null {
  if (timeWait === 0 || reusable > 0) return null;
  const perSecond = Math.floor(size / (TIME_WAIT_MS / 1000));
  const wanted = Math.round(live.length + closedPerSecond * (TIME_WAIT_MS / 1000));
  const now = `in the last 10 s ${grouped(Math.round(closedPerSecond))} a second were closed, which keeps ${counted(wanted, 'port')} in use`;
  return `the range allows about ${counted(perSecond, 'connection')} a second to one destination; ${now}`;
}

/**
 * Whether the connections of a source bind before they connect. connect() alone gives one port to any number of
 * destinations, and takes ports of one parity first: no more of them than that parity has without using some twice, unless one
 * destination needs more. bind() without IP_BIND_ADDRESS_NO_PORT takes a port from all destinations.
 */
function isBound(group: readonly number[], table: SocketTable): boolean {
  return distinctPorts(group, table) >= group.length * 0.99;
}

function distinctPorts(rows: readonly number[], table: SocketTable): number {
  const used = new Uint8Array(65_536);
  let count = 0;
  for (const row of rows) {
    const port = localPortOf(table, row);
    count += 1 - used[port];
    used[port] = 1;
  }
  return count;
}

function boundFinding(
  group: readonly number[],
  range: PortRange,
  { sockets, owners, processes }: Seen,
): Finding {
  const table = sockets.last;
  const peers = countPeers(group, table);
  const ports = distinctPorts(group, table);
  return {
    rule: 'port-exhaustion',
    severity: ports >= range.size * CRITICAL ? 'critical' : 'warning',
    title: `${grouped(ports)} of ${counted(range.size, 'local port')} of ${sourceOf(table, group[0])} are in use, each for one of ${counted(peers.length, 'destination')} only (${percentOf(ports, range.size)})`,
    why: 'connect() uses a port again for another destination; that none is used twice means that the program binds its source address first, and bind() takes a port from all destinations; when they are gone bind() fails with EADDRINUSE',
    cause: null,
    sockets: group.length,
    oldest: null,
    owners: holdersOf(group, table, owners, processes),
    peers,
    growth: null,
    forecast: null,
    fix: BOUND_FIX,
    rows: group,
  };
}

function sourceOf(table: SocketTable, row: number): string {
  return formatAddress(localBytesOf(table, row)).replace(/^::ffff:(?=\d+\.)/, '');
}

export const FIX: Fix = {
  summary:
    'keep connections open and use them again; then more ports, more source addresses or more destinations',
  steps: [
    {
      language: 'host',
      text: 'sysctl -w net.ipv4.tcp_tw_reuse=1 (safe for outgoing connections, needs tcp_timestamps; tcp_fin_timeout and tcp_max_tw_buckets do not help); sysctl -w net.ipv4.ip_local_port_range="15000 64999", with the ports of servers among them in net.ipv4.ip_local_reserved_ports',
    },
    {
      language: 'Node',
      text: 'new http.Agent({ keepAlive: true, maxSockets: 100 }) (the default agent keeps alive since Node 19), or one undici Pool; one pool for each database',
    },
    {
      language: 'Python',
      text: 'one requests.Session() or httpx.Client() for all requests instead of requests.get(); a connection pool for databases',
    },
    {
      language: 'Go',
      text: 'one http.Client for all; Transport.MaxIdleConnsPerHost (2 by default) as high as the requests at a time; read each body to its end and close it; db.SetMaxIdleConns',
    },
    {
      language: 'Java',
      text: 'one java.net.http.HttpClient for all, bodies read to their end; HikariCP or the like for databases',
    },
  ],
  docs: 'docs/port-exhaustion.md',
};

const BOUND_FIX: Fix = {
  summary: 'set IP_BIND_ADDRESS_NO_PORT before bind(), so that connect() chooses the port',
  steps: [
    {
      language: 'host',
      text: 'nginx (proxy_bind) and HAProxy (source) set it themselves where they are built for Linux 4.2 or later',
    },
    {
      language: 'Node',
      text: 'leave localAddress out unless it is needed: the option cannot be set',
    },
    {
      language: 'Python',
      text: 'sock.setsockopt(socket.IPPROTO_IP, 24, 1) before sock.bind((address, 0)) (24: IP_BIND_ADDRESS_NO_PORT)',
    },
    {
      language: 'Go',
      text: 'net.Dialer.LocalAddr with a Control function that sets unix.IP_BIND_ADDRESS_NO_PORT',
    },
    { language: 'Java', text: 'leave bind() and localAddress() out unless they are needed' },
  ],
  docs: 'docs/port-exhaustion.md',
};
