import type { CounterSight, SocketSight } from '../evidence/evidence.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { timerOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { grewBy, withoutGrowth } from './counters.ts';
import { measuredNetnsOf, unmeasuredNetns } from './measured-netns.ts';
import { countPeers } from './peers.ts';
import { defineRule } from './rule.ts';
import { columnOf } from './settings.ts';
import { counted, grouped, inSeconds, percentOf } from './wording.ts';

const NEAR = 0.9;

/** The kernel may keep no more TIME-WAITs, and closes connections without one (net/ipv4/tcp_minisocks.c, tcp_time_wait). */
export const timeWaitOverflow = defineRule({
  id: 'time-wait-overflow',
  needs: ['counters', 'settings'],
  uses: ['sockets'],
  find({ counters, settings, sockets }, { windowMs }) {
    const limit = columnOf(settings, 'net.ipv4.tcp_max_tw_buckets', 0);
    const destroyed = grewBy(counters, 'TcpExtTCPTimeWaitOverflow');
    const kept = keptNow(counters, sockets);
    if (destroyed === 0 && (limit === null || limit === 0 || kept < limit * NEAR)) return [];
    const rows = sockets === null ? [] : rowsKept(sockets.last, measuredNetnsOf(sockets));
    const limitText =
      limit === null ? 'the limit' : `net.ipv4.tcp_max_tw_buckets (${grouped(limit)})`;
    const finding: Finding = {
      rule: 'time-wait-overflow',
      severity: 'warning',
      title:
        destroyed > 0
          ? `${counted(destroyed, 'connection')} closed without TIME-WAIT in ${inSeconds(windowMs)}, because there are as many as may be kept`
          : `${grouped(kept)} of ${counted(limit ?? 0, 'TIME-WAIT')} that may be kept are there (${percentOf(kept, limit ?? 1)})`,
      why: `${limitText} bounds the TIME-WAITs and orphaned FIN-WAIT-2s of the network namespace; ${grouped(kept)} are there; one too many is destroyed at once, so a late segment of it draws a reset, or meets a new connection of the same ports`,
      cause: null,
      sockets: rows.length,
      oldest: null,
      owners: [],
      peers: sockets === null ? [] : countPeers(rows, sockets.last),
      growth: null,
      forecast: null,
      fix: FIX,
      rows,
    };
    return [finding];
  },
  blindSpots: ({ counters, sockets }) => [...withoutGrowth(counters), ...unmeasuredNetns(sockets)],
});

/** `tw` of sockstat is what the kernel compares with the limit: per namespace, IPv4 and IPv6 together. */
function keptNow({ last }: CounterSight, sockets: SocketSight | null): number {
  const kept = last.SockstatTcpTw;
  if (kept !== undefined) return kept;
  return sockets === null ? 0 : rowsKept(sockets.last, measuredNetnsOf(sockets)).length;
}

/** TIME-WAITs, and FIN-WAIT-2s of no program, which the kernel keeps in the same way. */
function rowsKept(table: SocketTable, netns: number | null): number[] {
  const rows: number[] = [];
  for (let row = 0; row < table.count; row++) {
    if (table.netns[row] === netns && timerOf(table, row) === 'time-wait') rows.push(row);
  }
  return rows;
}

export const FIX: Fix = {
  summary:
    'close fewer connections first: keep them open and use them again; then put the limit back',
  steps: [
    {
      language: 'host',
      text: 'remove net.ipv4.tcp_max_tw_buckets from the sysctl configuration and set it to its default or more (sysctl -w net.ipv4.tcp_max_tw_buckets=262144): a TIME-WAIT costs about 250 bytes and no descriptor',
    },
    {
      language: 'Node',
      text: 'new http.Agent({ keepAlive: true }) for clients; server.keepAliveTimeout longer than that of the clients for servers',
    },
    {
      language: 'Python',
      text: 'one requests.Session() or httpx.Client() for all requests; a connection pool for databases',
    },
    {
      language: 'Go',
      text: 'one http.Client for all; read each body to its end and close it; Transport.MaxIdleConnsPerHost (2 by default) as high as the requests at a time',
    },
    {
      language: 'Java',
      text: 'one java.net.http.HttpClient for all; read each body to its end; a pool for databases',
    },
  ],
  docs: 'docs/time-wait-overflow.md',
};
