import type { Settings, SocketSight } from '../evidence/evidence.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { localPortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { grewBy, withoutGrowth } from './counters.ts';
import { holdersOf } from './holders.ts';
import { listenersOf } from './listeners.ts';
import { measuredNetnsOf, unmeasuredNetns } from './measured-netns.ts';
import { seenBefore } from './rows.ts';
import { defineRule } from './rule.ts';
import { columnOf } from './settings.ts';
import { counted, grouped, inSeconds } from './wording.ts';

/** Clients whose connections the kernel dropped, because a listening socket's queue was full. */
export const listenOverflow = defineRule({
  id: 'listen-overflow',
  needs: ['counters'],
  uses: ['sockets', 'owners', 'processes', 'settings'],
  find({ counters, sockets, owners, processes, settings }, { windowMs }) {
    const accept = grewBy(counters, 'TcpExtListenOverflows');
    const request = grewBy(counters, 'TcpExtTCPReqQFullDrop');
    if (accept + request === 0) return [];
    const table = sockets?.last ?? null;
    const full = sockets === null ? [] : fullListeners(sockets);
    const isFullNow = table !== null && full.some((row) => isFull(table, row));
    const finding: Finding = {
      rule: 'listen-overflow',
      severity: isFullNow ? 'critical' : 'warning',
      title: `${counted(accept + request, 'connection attempt')} dropped in ${inSeconds(windowMs)}, because a listening socket's queue was full`,
      why: [
        countersText(accept, request),
        table === null ? null : listenersText(full, table, settings),
        'the client sends again after 1 s, 3 s, 7 s, …: it sees slow connects and time-outs, not refusals',
      ]
        .filter((part) => part !== null)
        .join('; '),
      cause: null,
      sockets: full.length,
      oldest: null,
      owners: table === null ? [] : holdersOf(full, table, owners, processes),
      peers: [],
      growth: null,
      forecast: null,
      fix: FIX,
      rows: full,
    };
    return [finding];
  },
  blindSpots: ({ counters, sockets }) => [...withoutGrowth(counters), ...unmeasuredNetns(sockets)],
});

function countersText(accept: number, request: number): string {
  const parts: string[] = [];
  if (accept > 0) {
    parts.push(
      `TcpExtListenOverflows +${grouped(accept)}: the program accepts too slowly for its accept queue`,
    );
  }
  if (request > 0) {
    parts.push(
      `TcpExtTCPReqQFullDrop +${grouped(request)}: too many handshakes were under way, and SYN cookies are off`,
    );
  }
  return parts.join('; ');
}

/** Listening sockets of the measured namespace whose accept queue was full at one of the looks. */
function fullListeners(sight: SocketSight): number[] {
  const { first, last } = sight;
  const netns = measuredNetnsOf(sight);
  const rows = listenersOf(last).rows.filter((row) => last.netns[row] === netns);
  const before = seenBefore(
    first,
    last,
    rows,
    (earlier) => first !== null && isFull(first, earlier),
  );
  return rows.filter((row) => isFull(last, row) || before.has(row));
}

/** sk_acceptq_is_full() of include/net/sock.h: the queue takes one more than its limit. */
function isFull(table: SocketTable, row: number): boolean {
  return table.recvQ[row] > table.sendQ[row];
}

function listenersText(
  full: readonly number[],
  table: SocketTable,
  settings: Settings | null,
): string {
  if (full.length === 0) {
    return 'no queue was full at a look, so it is a burst: the limits are the Send-Q of `ss -ltn`';
  }
  const somaxconn = columnOf(settings, 'net.core.somaxconn', 0);
  return full
    .slice(0, 3)
    .map((row) => {
      const limit = table.sendQ[row];
      const cap =
        limit === somaxconn
          ? ', which is net.core.somaxconn: no listen() can ask for more'
          : ', as its listen() asked for';
      return `port ${localPortOf(table, row)} has ${grouped(table.recvQ[row])} waiting with a limit of ${grouped(limit)}${cap}`;
    })
    .join('; ');
}

const FIX: Fix = {
  summary:
    'accept faster (accept in a loop of its own, hand the work on, more workers), then ask for a longer queue; the smaller of the backlog and net.core.somaxconn counts',
  steps: [
    {
      language: 'host',
      text: 'sysctl -w net.core.somaxconn=4096, then restart the program: the limit is taken at listen(); net.ipv4.tcp_syncookies=1 where handshakes overflow',
    },
    {
      language: 'Node',
      text: 'server.listen({ port, backlog: 4096 }) (511 by default); keep the event loop free, or use node:cluster',
    },
    {
      language: 'Python',
      text: 'sock.listen(4096); socketserver: request_queue_size = 4096 (5 by default) and ThreadingMixIn; asyncio: start_server(…, backlog=4096) (100 by default)',
    },
    {
      language: 'Go',
      text: 'net.Listen takes somaxconn as the backlog: raise that one; a goroutine for each connection, and nothing slow between two Accepts',
    },
    {
      language: 'Java',
      text: 'new ServerSocket(port, 4096) (50 by default), Tomcat acceptCount, Netty SO_BACKLOG; hand each connection to an executor',
    },
  ],
  docs: 'docs/listen-overflow.md',
};
