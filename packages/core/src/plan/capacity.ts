import { TIME_WAIT_MS } from '../socket/age.ts';
import { connectionRateOf, openTimeOf, type HostLimits, type Workload } from './workload.ts';

/** How long and how often; a time is null where it never comes. */
export interface Capacity {
  readonly connectionsPerSecond: number;
  /** Little's law: rate × time. Infinity when connections are never closed. */
  readonly openAtATime: number;
  /** Connections a second that the ports allow for ever. */
  readonly portsAllowPerSecond: number;
  /** Ports × sources × destinations: connections that can exist at a time. */
  readonly tuples: number;
  /** Ports, of all tuples, that are taken once the flow is steady. */
  readonly tuplesInUse: number;
  readonly portsEndMs: number | null;
  readonly descriptorsEndMs: number | null;
  /** TIME-WAITs at a time, at most tcp_max_tw_buckets: beyond it the kernel leaves them out. */
  readonly timeWaits: number;
  readonly timeWaitsOverflow: boolean;
  readonly timeWaitMemory: number;
}

export function capacityOf(workload: Workload, limits: HostLimits): Capacity {
  const rate = connectionRateOf(workload);
  const openMs = openTimeOf(workload);
  const busyMs = openMs + portRestMs(workload, limits);
  const tuples = limits.ports * workload.sources * workload.destinations;
  const openAtATime = flow(rate, openMs);
  const tuplesWanted = flow(rate, busyMs);
  const free = Math.max(0, limits.descriptorLimit - limits.descriptorsUsed);
  const timeWaits = timeWaitsOf(workload, tuples);
  return {
    connectionsPerSecond: rate,
    openAtATime,
    portsAllowPerSecond: tuples / (busyMs / 1000),
    tuples,
    tuplesInUse: Math.min(tuples, tuplesWanted),
    portsEndMs: tuplesWanted > tuples ? (tuples / rate) * 1000 : null,
    descriptorsEndMs: openAtATime > free ? (free / rate) * 1000 : null,
    timeWaits: Math.min(timeWaits, limits.maxTimeWaits),
    timeWaitsOverflow: timeWaits > limits.maxTimeWaits,
    timeWaitMemory: Math.min(timeWaits, limits.maxTimeWaits) * limits.timeWaitBytes,
  };
}

/** How long a port rests after its connection before the same destination can have it again, ms. */
export function portRestMs(workload: Workload, limits: HostLimits): number {
  if (workload.closesFirst === 'server') return 0;
  return reusesTimeWait(workload, limits) ? limits.twReuseDelayMs : TIME_WAIT_MS;
}

/** tcp_twsk_unique(), net/ipv4/tcp_ipv4.c: 1 is everywhere, 2 on loopback, both need time stamps. */
export function reusesTimeWait({ isLoopback }: Workload, limits: HostLimits): boolean {
  return limits.timestamps && (limits.twReuse === 1 || (limits.twReuse === 2 && isLoopback));
}

function timeWaitsOf(workload: Workload, tuples: number): number {
  if (workload.closesFirst === 'server' || openTimeOf(workload) === Infinity) return 0;
  const made = flow(connectionRateOf(workload), TIME_WAIT_MS);
  // A four-tuple has one TIME-WAIT at most: a new connection takes it over.
  return Math.min(made, tuples);
}

function flow(perSecond: number, ms: number): number {
  return perSecond === 0 ? 0 : (perSecond * ms) / 1000;
}
