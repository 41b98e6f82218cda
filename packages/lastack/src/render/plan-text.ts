import {
  counted,
  grouped,
  WIDE_RANGE,
  type Capacity,
  type ClientsRow,
  type Cure,
  type HostLimits,
  type PoolSize,
  type Workload,
} from '@lastack/core';
import { proseDuration } from './duration.ts';
import type { Paint } from './style.ts';
import { wrap } from './wrap.ts';

/** All that `plan` has computed. */
export interface Plan {
  readonly workload: Workload;
  readonly limits: HostLimits;
  readonly capacity: Capacity;
  readonly pool: PoolSize;
  /** The cheapest first; empty where the ports do not run out. */
  readonly cures: readonly Cure[];
}

const LABEL_WIDTH = 15;

export function planLines(plan: Plan, paint: Paint, width: number): string[] {
  const line = (label: string, text: string) => {
    const [first, ...rest] = wrap(text, width - LABEL_WIDTH - 2);
    const indent = ' '.repeat(LABEL_WIDTH + 2);
    return [
      `  ${paint('bold', label.padEnd(LABEL_WIDTH))}${first}`,
      ...rest.map((more) => indent + more),
    ];
  };
  const { capacity, workload, limits, pool } = plan;
  return [
    ...wrap(workloadText(workload), width),
    ...line('connections', connectionsText(capacity, workload)),
    ...line('ports', portsText(capacity, workload)),
    ...line('TIME-WAIT', timeWaitText(capacity, workload, limits)),
    ...line('descriptors', descriptorsText(capacity, limits)),
    ...line(
      'pool',
      `${counted(pool.connections, 'connection')}: ${rounded(pool.busy)} busy at a time (Little's law), and room for chance`,
    ),
    ...cureLines(plan, line),
  ];
}

function workloadText(workload: Workload): string {
  const { requestsPerSecond, latencyMs, requestsPerConnection, sources, destinations } = workload;
  const parts = [
    `${rounded(requestsPerSecond)} requests a second of ${proseDuration(latencyMs)}`,
    requestsPerConnection === 1
      ? 'a new connection for each'
      : `${grouped(requestsPerConnection)} requests a connection`,
    `from ${counted(sources, 'address', 'addresses')} to ${counted(destinations, 'destination')}`,
    `${workload.closesFirst === 'client' ? 'this host' : 'the other side'} closes first`,
  ];
  return `${parts.join(', ')}:`;
}

function connectionsText(
  { connectionsPerSecond, openAtATime }: Capacity,
  workload: Workload,
): string {
  const held = workload.heldMs === 0 ? '' : ', held ones included';
  const open =
    openAtATime === Infinity
      ? 'none of them ever closed'
      : `${rounded(openAtATime)} open at a time${held}`;
  return `${rounded(connectionsPerSecond)} a second, ${open}`;
}

function portsText(
  { portsEndMs, portsAllowPerSecond, tuples, tuplesInUse }: Capacity,
  workload: Workload,
): string {
  const allowed =
    portsAllowPerSecond === 0
      ? 'are all that there can ever be'
      : `allow ${rounded(floored(portsAllowPerSecond))} connections a second for ever`;
  const each = workload.destinations === 1 ? '' : ' over all destinations';
  if (portsEndMs !== null) {
    return `run out after ${proseDuration(portsEndMs)}: ${grouped(tuples)}${each} ${allowed}; then connect() fails with EADDRNOTAVAIL`;
  }
  return `${rounded(tuplesInUse)} of ${grouped(tuples)}${each} in use; they ${allowed}`;
}

function timeWaitText(capacity: Capacity, workload: Workload, limits: HostLimits): string {
  if (workload.heldMs === Infinity) return 'none: nothing is closed';
  if (workload.closesFirst === 'server') return 'none here: the side that closes first has it';
  const { timeWaits, timeWaitsOverflow, timeWaitMemory } = capacity;
  const text = `${rounded(timeWaits)} at a time, ${bytes(timeWaitMemory)} of kernel memory`;
  return timeWaitsOverflow
    ? `${text}: tcp_max_tw_buckets (${grouped(limits.maxTimeWaits)}) is reached, beyond it the kernel leaves TIME-WAIT out`
    : text;
}

function descriptorsText({ descriptorsEndMs, openAtATime }: Capacity, limits: HostLimits): string {
  const limit =
    limits.descriptorLimit === Infinity
      ? 'no limit'
      : `a limit of ${grouped(limits.descriptorLimit)}`;
  const used =
    limits.descriptorsUsed > 0 ? `, ${grouped(limits.descriptorsUsed)} of them in use` : '';
  return descriptorsEndMs === null
    ? `enough: ${rounded(openAtATime)} needed, ${limit}${used}`
    : `run out after ${proseDuration(descriptorsEndMs)} (${limit}${used}); then accept() and connect() fail with EMFILE, "too many open files"`;
}

function cureLines(
  { cures, capacity }: Plan,
  line: (label: string, text: string) => string[],
): string[] {
  if (capacity.openAtATime === Infinity) {
    return line('cure', 'close them: `lastack doctor` names the line that holds them');
  }
  if (capacity.portsEndMs === null) return [];
  const enough = cures.filter(({ suffices }) => suffices);
  const rest = cures.filter(({ suffices }) => !suffices);
  return [
    ...enough.flatMap((cure, index) => line(index === 0 ? 'cheapest cure' : 'or', cureText(cure))),
    ...rest.flatMap((cure) => line('not enough', cureText(cure))),
  ];
}

function cureText({ kind, value, allowsPerSecond }: Cure): string {
  const allows = `allows ${rounded(floored(allowsPerSecond))} connections a second`;
  switch (kind) {
    case 'tw-reuse':
      return `sysctl -w net.ipv4.tcp_tw_reuse=1 ${allows} (for outgoing connections; safe with time stamps)`;
    case 'port-range':
      return `sysctl -w net.ipv4.ip_local_port_range="${WIDE_RANGE.low} ${WIDE_RANGE.high}" ${allows} (reserve the ports of your servers in ip_local_reserved_ports)`;
    case 'keep-alive':
      return `keep-alive with at least ${grouped(value)} requests a connection: it also saves as many handshakes`;
    case 'sources':
      return `${counted(value, 'source address', 'source addresses')} ${value === 1 ? 'allows' : 'allow'}${allows.slice(6)}`;
    case 'destinations':
      return `${grouped(value)} destinations (addresses or ports of the server) ${allows.replace('allows', 'allow')}`;
    default:
      return kind satisfies never;
  }
}

const COLUMNS = ['clients', 'connections/s', 'open', 'ports', 'TIME-WAIT', 'memory', 'verdict'];

/** The table of clients, one line each under a header. */
export function clientsLines(rows: readonly ClientsRow[]): string[] {
  const cells = rows.map(({ clients, capacity }) => [
    grouped(clients),
    rounded(capacity.connectionsPerSecond),
    rounded(capacity.openAtATime),
    rounded(capacity.tuplesInUse),
    rounded(capacity.timeWaits),
    bytes(capacity.timeWaitMemory),
    verdictOf(capacity),
  ]);
  const widths = COLUMNS.map((name, index) =>
    Math.max(name.length, ...cells.map((row) => row[index].length)),
  );
  return [COLUMNS, ...cells].map((row) =>
    row
      .map((cell, index) =>
        index === row.length - 1
          ? `  ${cell}`
          : cell.padStart(widths[index] + (index === 0 ? 2 : 0)),
      )
      .join('  '),
  );
}

function verdictOf({ portsEndMs, descriptorsEndMs, timeWaitsOverflow }: Capacity): string {
  const ends = [
    portsEndMs === null ? null : `ports end after ${proseDuration(portsEndMs)}`,
    descriptorsEndMs === null ? null : `descriptors end after ${proseDuration(descriptorsEndMs)}`,
    timeWaitsOverflow ? 'TIME-WAIT overflows' : null,
  ].filter((text) => text !== null);
  return ends.length === 0 ? 'ok' : ends.join(', ');
}

/** What is promised is rounded down. */
function floored(value: number): number {
  return value < 10 ? value : Math.floor(value);
}

function rounded(value: number): string {
  if (value === Infinity) return 'unlimited';
  if (value >= 10 || Number.isInteger(value)) return grouped(Math.round(value));
  return String(Number(value.toPrecision(2)));
}

function bytes(count: number): string {
  if (count < 1024) return `${Math.round(count)} B`;
  const kib = count / 1024;
  return kib < 1024 ? `${Math.round(kib)} KiB` : `${Math.round(kib / 102.4) / 10} MiB`;
}
