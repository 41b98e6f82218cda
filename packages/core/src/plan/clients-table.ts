import { capacityOf, type Capacity } from './capacity.ts';
import type { HostLimits, Workload } from './workload.ts';

export interface ClientsRow {
  readonly clients: number;
  readonly capacity: Capacity;
}

/** From one client to a million, each asking `requestsPerClient` times a second, all passed on by this host. */
export function clientsTable(
  workload: Workload,
  limits: HostLimits,
  requestsPerClient: number,
): ClientsRow[] {
  return [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].map((clients) => ({
    clients,
    capacity: capacityOf({ ...workload, requestsPerSecond: clients * requestsPerClient }, limits),
  }));
}
