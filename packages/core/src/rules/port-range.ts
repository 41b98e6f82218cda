import type { Settings } from '../evidence/evidence.ts';
import { columnOf } from './settings.ts';

/** The local ports that connect(2) chooses from. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
  /** 1 for each port of the range that is not reserved. */
  readonly usable: Uint8Array;
  readonly size: number;
}

/** net.ipv4.ip_local_port_range without ip_local_reserved_ports; IPv6 has the same. */
export function portRangeOf(settings: Settings): PortRange {
  const low = columnOf(settings, 'net.ipv4.ip_local_port_range', 0) ?? 32_768;
  const high = Math.min(columnOf(settings, 'net.ipv4.ip_local_port_range', 1) ?? 60_999, 65_535);
  const usable = new Uint8Array(65_536).fill(1, low, high + 1);
  for (const range of settings.values['net.ipv4.ip_local_reserved_ports']?.split(',') ?? []) {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (from !== undefined) usable.fill(0, Number(from), Number(to ?? from) + 1);
  }
  let size = 0;
  for (let port = low; port <= high; port++) size += usable[port];
  return { low, high, usable, size };
}
