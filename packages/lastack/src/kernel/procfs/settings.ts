import { seen, type Observation, type Settings } from '@lastack/core';
import { readProcText } from './read-proc.ts';
import { readSysctlConf } from './sysctl-conf.ts';

/** The sysctls that rules read. `tcp_tw_recycle` is gone since Linux 4.12: where it exists, the kernel is older. */
const SYSCTLS = [
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_tw_reuse',
  'net.ipv4.tcp_tw_reuse_delay',
  'net.ipv4.tcp_tw_recycle',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_max_tw_buckets',
  'net.ipv4.tcp_max_orphans',
  'net.ipv4.tcp_mem',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_syn_retries',
  'net.ipv4.tcp_syn_linear_timeouts',
  'net.ipv4.tcp_retries2',
  'net.ipv4.tcp_orphan_retries',
  'net.ipv4.tcp_max_syn_backlog',
  'net.ipv4.tcp_timestamps',
  'net.ipv4.tcp_syncookies',
  'net.core.somaxconn',
  'fs.file-max',
  'fs.file-nr',
  'fs.nr_open',
] as const;

export interface SettingsOptions {
  /** Default `/proc`. */
  readonly procRoot?: string;
  /** Where the configuration files are; default `/`. */
  readonly fileRoot?: string;
}

/**
 * Reads the sysctls in force, and what the configuration files ask for. Most `net.*` sysctls are per network namespace, and
 * /proc/sys/net always shows those of the reader's: to read another's, enter it first. Outside of the first namespace some
 * are not shown and are missing here (tcp_mem, tcp_max_orphans), though the host's limits hold there too.
 */
export function readSettings({
  procRoot = '/proc',
  fileRoot = '/',
}: SettingsOptions = {}): Observation<Settings> {
  const values: Record<string, string> = {};
  for (const name of SYSCTLS) {
    const text = readProcText(`${procRoot}/sys/${name.replaceAll('.', '/')}`);
    if (text.kind === 'unavailable') return text;
    if (text.kind === 'ok') values[name] = text.value.trim().replace(/\s+/g, ' ');
  }
  return seen({ values, configured: readSysctlConf(fileRoot) });
}
