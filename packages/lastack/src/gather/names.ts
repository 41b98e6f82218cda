import { statSync } from 'node:fs';
import type { FilterNames } from '@lastack/core';
import { loadLibc } from '../kernel/ffi.ts';
import { readProcText } from '../kernel/procfs/read-proc.ts';
import { readServices } from '../kernel/services.ts';

const DEFAULT_FIN_TIMEOUT_S = 60;

/** How names in a filter become the kernel's numbers, on this host. */
export function filterNames(): FilterNames {
  const libc = loadLibc();
  return {
    services: (name) => readServices().ports.get(name) ?? null,
    devices: (name) => (libc.kind === 'ok' ? libc.value.deviceIndex(name) || null : null),
    cgroups: (path) => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null,
  };
}

/** The names of ports as ss prints them: from /etc/services, but not for those that the kernel hands out to clients. */
export function readPortNames(): (port: number) => string | null {
  const { names } = readServices();
  const range = readProcText('/proc/sys/net/ipv4/ip_local_port_range');
  const [low, high] = range.kind === 'ok' ? range.value.trim().split(/\s+/).map(Number) : [1, 0];
  return (port) => (port >= low && port <= high ? null : (names.get(port) ?? null));
}

/** The names of network devices; only those of our own namespace can be asked for. */
export function readDeviceNames(): (index: number, netns: number) => string | null {
  const libc = loadLibc();
  const own = statSync('/proc/self/ns/net', { throwIfNoEntry: false })?.ino;
  return (index, netns) =>
    libc.kind === 'ok' && netns === own ? libc.value.deviceName(index) : null;
}

/** net.ipv4.tcp_fin_timeout, ms. */
export function readFinTimeoutMs(): number {
  const text = readProcText('/proc/sys/net/ipv4/tcp_fin_timeout');
  return (text.kind === 'ok' ? Number(text.value) : DEFAULT_FIN_TIMEOUT_S) * 1000;
}
