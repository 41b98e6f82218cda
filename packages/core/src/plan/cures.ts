import { capacityOf, reusesTimeWait } from './capacity.ts';
import { connectionRateOf, openTimeOf, type HostLimits, type Workload } from './workload.ts';

export type CureKind = 'tw-reuse' | 'port-range' | 'keep-alive' | 'sources' | 'destinations';

/** One change, and what the ports allow with it. */
export interface Cure {
  readonly kind: CureKind;
  /** The new value: of tcp_tw_reuse, ports, requests a connection, source addresses, destinations. */
  readonly value: number;
  /** Connections a second that the ports then allow. */
  readonly allowsPerSecond: number;
  /** Whether it alone carries the load with a fifth to spare. */
  readonly suffices: boolean;
}

/** Above the ports that services commonly listen on, and the whole of what is left. */
export const WIDE_RANGE = { low: 15_000, high: 64_999, size: 50_000 } as const;
const HEADROOM = 1.25;

/**
 * What would help a workload whose ports run out, the cheapest first: one sysctl, another sysctl, then code, then addresses.
 * What this host has already, or what cannot help here, is left out.
 */
export function curesFor(workload: Workload, limits: HostLimits): Cure[] {
  const cures: Cure[] = [];
  const add = (kind: CureKind, value: number, after: Workload, on: HostLimits) => {
    const { portsAllowPerSecond, connectionsPerSecond } = capacityOf(after, on);
    const suffices = portsAllowPerSecond >= connectionsPerSecond * HEADROOM;
    cures.push({ kind, value, allowsPerSecond: portsAllowPerSecond, suffices });
  };
  const waits = workload.closesFirst === 'client' && !reusesTimeWait(workload, limits);
  if (waits && limits.timestamps) {
    add('tw-reuse', 1, workload, { ...limits, twReuse: 1 });
  }
  if (limits.ports < WIDE_RANGE.size) {
    add('port-range', WIDE_RANGE.size, workload, { ...limits, ports: WIDE_RANGE.size });
  }
  const share = Math.ceil(neededShare(workload, limits));
  const shared = workload.requestsPerConnection * share;
  if (openTimeOf(workload) !== Infinity) {
    const requestsPerConnection = Math.ceil(leastKeepAlive(workload, limits) ?? shared);
    const after = { ...workload, requestsPerConnection };
    if (leastKeepAlive(workload, limits) !== null) {
      add('keep-alive', requestsPerConnection, after, limits);
    }
    const sources = workload.sources * share;
    add('sources', sources, { ...workload, sources }, limits);
    const destinations = workload.destinations * share;
    add('destinations', destinations, { ...workload, destinations }, limits);
  }
  return cures;
}

/** How many times the tuples are needed, with room. */
function neededShare(workload: Workload, limits: HostLimits): number {
  const { portsAllowPerSecond } = capacityOf(workload, limits);
  return Math.max(1, (connectionRateOf(workload) * HEADROOM) / portsAllowPerSecond);
}

/**
 * The fewest requests a connection that carry the load: rate / k × (latency × k + rest) ≤ tuples, so that the requests
 * at a time alone must leave room. Null when they do not.
 */
function leastKeepAlive(workload: Workload, limits: HostLimits): number | null {
  const { requestsPerSecond, latencyMs, requestsPerConnection } = workload;
  const { tuples } = capacityOf(workload, limits);
  const room = tuples / HEADROOM - (requestsPerSecond * latencyMs) / 1000;
  if (room <= 0) return null;
  const perConnection = { ...workload, requestsPerConnection: 1, latencyMs: 0 };
  const { portsAllowPerSecond } = capacityOf(perConnection, limits);
  const restSeconds = tuples / portsAllowPerSecond;
  return Math.max(requestsPerConnection + 1, (requestsPerSecond * restSeconds) / room);
}
