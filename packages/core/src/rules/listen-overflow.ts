import type { SocketSight } from '../evidence/evidence.ts';
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

/** How many listeners are named. */
const NAMED = 3;

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
    const somaxconn = columnOf(settings, 'net.core.somaxconn', 0);
    const short = sockets === null ? [] : shortListeners(sockets, somaxconn);
    const isFullNow = table !== null && full.some((row) => isFull(table, row));
    const finding: Finding = {
      rule: 'listen-overflow',
      severity: isFullNow ? 'critical' : 'warning',
      title: `${counted(accept + request, 'connection attempt')} dropped in ${inSeconds(windowMs)}, because a listening socket's queue was full`,
      why: [
        countersText(accept, request),
        table === null ? null : listenersText(full, short, table, somaxconn),
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
      fix: fixFor(full.length > 0 ? full : short, table, somaxconn),
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

/** Listening sockets of the measured namespace that ask for less than the host allows, the shortest queue first. */
function shortListeners(sight: SocketSight, somaxconn: number | null): number[] {
  const { last } = sight;
  const netns = measuredNetnsOf(sight);
  return listenersOf(last)
    .rows.filter((row) => last.netns[row] === netns && isOwnLimit(last, row, somaxconn))
    .toSorted((a, b) => last.sendQ[a] - last.sendQ[b]);
}

/** Whether the limit is what listen() asked for; somaxconn bounds those that asked for as much or more. */
function isOwnLimit(table: SocketTable, row: number, somaxconn: number | null): boolean {
  return somaxconn !== null && table.sendQ[row] < somaxconn;
}

function listenersText(
  full: readonly number[],
  short: readonly number[],
  table: SocketTable,
  somaxconn: number | null,
): string {
  if (full.length === 0) {
    const shortest = short
      .slice(0, NAMED)
      .map((row) => `port ${localPortOf(table, row)} (${grouped(table.sendQ[row])})`);
    return shortest.length === 0
      ? 'no queue was full at a look, so it is a burst: the limits are the Send-Q of `ss -ltn`'
      : `no queue was full at a look, so it is a burst; the shortest limits, as listen() asked for, are those of ${shortest.join(', ')}`;
  }
  return full
    .slice(0, NAMED)
    .map((row) => {
      const limit = table.sendQ[row];
      const cap =
        limit === somaxconn
          ? ', which is net.core.somaxconn: no listen() can ask for more'
          : isOwnLimit(table, row, somaxconn)
            ? `, as its listen() asked for, where net.core.somaxconn allows ${grouped(somaxconn ?? 0)}: raise the backlog of listen(), not somaxconn`
            : ', as its listen() asked for';
      return `port ${localPortOf(table, row)} has ${grouped(table.recvQ[row])} waiting with a limit of ${grouped(limit)}${cap}`;
    })
    .join('; ');
}

/** somaxconn is named only where it is the bound, or nobody knows what is. */
function fixFor(rows: readonly number[], table: SocketTable | null, somaxconn: number | null): Fix {
  const areOwn =
    table !== null && rows.length > 0 && rows.every((row) => isOwnLimit(table, row, somaxconn));
  return areOwn ? OWN_LIMIT_FIX : FIX;
}

export const FIX: Fix = {
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

const OWN_LIMIT_FIX: Fix = {
  summary:
    'accept faster (accept in a loop of its own, hand the work on, more workers), then ask for a longer queue: the backlog of listen() is the bound here, not net.core.somaxconn',
  steps: FIX.steps.filter(({ language }) => language !== 'host'),
  docs: FIX.docs,
};
