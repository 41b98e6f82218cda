import type { OwnerTable } from '../socket/owners.ts';
import type { SocketTable } from '../socket/table.ts';
import type { Observation } from './observation.ts';
import type { ProcessFacts } from './process-facts.ts';

/** All that was seen of a host; each part may be missing on its own, with the reason. */
export interface Evidence {
  readonly host: string;
  /** `uname -r`. */
  readonly kernel: string;
  /** When the last look was taken, ms since the epoch. */
  readonly at: number;
  /** Time between the first and the last look, ms; 0 when there was only one. */
  readonly windowMs: number;
  readonly sockets: Observation<SocketSight>;
  readonly owners: Observation<OwnerTable>;
  /** The descriptors at the first look: what was held then, too, is not just on its way. Absent when they were read once. */
  readonly firstOwners?: OwnerTable | null;
  /** The processes that hold suspicious sockets or are short of descriptors, by pid. */
  readonly processes: Observation<ReadonlyMap<number, ProcessFacts>>;
  readonly counters: Observation<CounterSight>;
  readonly settings: Observation<Settings>;
}

export interface SocketSight {
  /** The table at the beginning of the window; null when there was only one look. */
  readonly first: SocketTable | null;
  readonly last: SocketTable;
  /** Network namespaces that were read, and what could not be. */
  readonly netns: readonly NetnsSight[];
  /** How the table was read; the text files lack cookies, timers of some states and tcp_info. */
  readonly method: 'sock_diag' | 'procfs';
}

export interface NetnsSight {
  readonly inode: number;
  /** Whether it is lastack's own: the counters and settings are those of this one. */
  readonly isOwn: boolean;
  /** Whom the namespace belongs to: a container's name or id, a name of /run/netns, or null for our own. */
  readonly name: string | null;
  readonly problem: { readonly reason: string; readonly remedy: string } | null;
}

/** Counters of /proc/net/{snmp,netstat,sockstat}, named as nstat(8) names them: `TcpExtListenOverflows`. */
export interface CounterSight {
  readonly first: Readonly<Record<string, number>> | null;
  readonly last: Readonly<Record<string, number>>;
}

/** The kernel's TCP settings: what is in force, and what the configuration files ask for. */
export interface Settings {
  /**
   * The sysctls that rules read, by their dotted name (`net.ipv4.tcp_fin_timeout`); ones that the kernel lacks are missing,
   * and so are some of the host's (tcp_mem, tcp_max_orphans) outside of its first network namespace.
   * Values as the file holds them, columns separated by one space. `net.*` are those of lastack's own network namespace.
   */
  readonly values: Readonly<Record<string, string>>;
  /** Every assignment in the sysctl.conf(5) and sysctl.d(5) files that count, in the order in which they are applied. */
  readonly configured: readonly ConfiguredSetting[];
}

/** One line of a sysctl configuration file. */
export interface ConfiguredSetting {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** The dotted name, whichever separator the file uses. */
  readonly key: string;
  readonly value: string;
}
