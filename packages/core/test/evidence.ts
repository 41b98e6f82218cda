// Evidence made by hand, for tests of rules: sockets as objects instead of columns, everything else with quiet defaults.
import type { Evidence, SocketSight } from '../src/evidence/evidence.ts';
import { seen, unavailable, type Observation } from '../src/evidence/observation.ts';
import type { ProcessFacts } from '../src/evidence/process-facts.ts';
import { parseAddress } from '../src/socket/address.ts';
import type { OwnerTable } from '../src/socket/owners.ts';
import { AF_INET, AF_INET6, TIMER_KINDS, type TimerKind } from '../src/socket/row.ts';
import { SocketTableBuilder } from '../src/socket/table-builder.ts';
import type { SocketTable } from '../src/socket/table.ts';
import { KERNEL_STATE, type TcpState } from '../src/tcp/state.ts';

export interface SocketSpec {
  readonly state: TcpState;
  /** `127.0.0.1:80`, `[::1]:80` */
  readonly local?: string;
  readonly remote?: string;
  readonly recvQ?: number;
  readonly sendQ?: number;
  readonly uid?: number;
  readonly inode?: number;
  readonly cookie?: number;
  readonly netns?: number;
  readonly timer?: TimerKind;
  readonly expires?: number;
  readonly retransmits?: number;
  /** ms ago; null for a row without tcp_info. */
  readonly info?: {
    readonly lastDataSent: number;
    readonly lastDataRecv: number;
    readonly lastAckRecv: number;
    /** Default 1. */
    readonly dataSegsIn?: number;
  } | null;
}

/** A table of these sockets; a cookie or inode that is not given is the row's number + 1. */
export function tableOf(specs: readonly SocketSpec[]): SocketTable {
  const table = new SocketTableBuilder(specs.length, true);
  for (const [row, spec] of specs.entries()) {
    const local = endpointOf(spec.local ?? '127.0.0.1:80');
    const remote = endpointOf(spec.remote ?? `127.0.0.1:${40_000 + row}`);
    const isIpv6 = local.words.length === 4;
    const timer = TIMER_KINDS.indexOf(spec.timer ?? 'none');
    table.head[row] =
      (isIpv6 ? AF_INET6 : AF_INET) |
      (KERNEL_STATE[spec.state] << 8) |
      (timer << 16) |
      ((spec.retransmits ?? 0) << 24);
    table.ports[row] = swap16(local.port) | (swap16(remote.port) << 16);
    table.source[row] = isIpv6
      ? table.addAddresses6(Uint32Array.from([...local.words, ...remote.words]), 0)
      : local.words[0];
    table.destination[row] = isIpv6 ? 0 : remote.words[0];
    table.cookieLow[row] = spec.cookie ?? row + 1;
    table.expires[row] = spec.expires ?? 0;
    table.recvQ[row] = spec.recvQ ?? 0;
    table.sendQ[row] = spec.sendQ ?? 0;
    table.uid[row] = spec.uid ?? 1000;
    table.inode[row] = spec.inode ?? row + 1;
    table.netns[row] = spec.netns ?? 1;
    const { info } = table;
    if (info !== null && spec.info !== undefined && spec.info !== null) {
      info.known[row] = 1;
      info.lastDataSent[row] = spec.info.lastDataSent;
      info.lastDataRecv[row] = spec.info.lastDataRecv;
      info.lastAckRecv[row] = spec.info.lastAckRecv;
      info.dataSegsIn[row] = spec.info.dataSegsIn ?? 1;
    }
    table.count++;
  }
  return table;
}

export interface OwnerSpec {
  readonly pid: number;
  readonly fd: number;
  readonly inode: number;
  readonly command?: string;
  /** Kernel state | remote port << 16. */
  readonly tcp?: number;
}

export function ownersOf(specs: readonly OwnerSpec[], more: Partial<OwnerTable> = {}): OwnerTable {
  return {
    count: specs.length,
    pid: Uint32Array.from(specs, ({ pid }) => pid),
    fd: Uint32Array.from(specs, ({ fd }) => fd),
    inode: Uint32Array.from(specs, ({ inode }) => inode),
    tcp: Uint32Array.from(specs, ({ tcp }) => tcp ?? 0),
    commands: new Map(specs.map(({ pid, command }) => [pid, command ?? 'server'])),
    method: 'bpf',
    methodReason: null,
    unreadable: [],
    ...more,
  };
}

export function processOf(facts: Partial<ProcessFacts> & { readonly pid: number }): ProcessFacts {
  const notRead = unavailable('it was not read in this test', 'nothing');
  return {
    parentPid: 1,
    command: 'server',
    executable: notRead,
    uid: 1000,
    runtime: 'other',
    container: null,
    descriptors: notRead,
    threads: notRead,
    watched: notRead,
    zombies: [],
    ...facts,
  };
}

export interface EvidenceSpec {
  readonly sockets?: readonly SocketSpec[];
  /** What was there at the first look; with it the window is 2 s unless `windowMs` says more. */
  readonly first?: readonly SocketSpec[] | undefined;
  readonly windowMs?: number;
  /** Network namespaces that were read besides our own, which is 1. */
  readonly otherNetns?: readonly number[];
  readonly owners?: readonly OwnerSpec[] | Observation<OwnerTable>;
  /** The descriptors at the first look. */
  readonly firstOwners?: readonly OwnerSpec[] | undefined;
  readonly processes?: readonly ProcessFacts[];
  readonly counters?: Readonly<Record<string, number>>;
  readonly firstCounters?: Readonly<Record<string, number>>;
  readonly settings?: Readonly<Record<string, string>>;
  readonly configured?: readonly { file: string; line: number; key: string; value: string }[];
}

export function evidenceOf(spec: EvidenceSpec): Evidence {
  const sight: SocketSight = {
    first: spec.first === undefined ? null : tableOf(spec.first),
    last: tableOf(spec.sockets ?? []),
    netns: [
      { inode: 1, isOwn: true, name: null, problem: null },
      ...(spec.otherNetns ?? []).map((inode) => ({
        inode,
        isOwn: false,
        name: null,
        problem: null,
      })),
    ],
    method: 'sock_diag',
  };
  const owners = spec.owners ?? [];
  return {
    host: 'host',
    kernel: '6.18.0',
    at: Date.UTC(2026, 0, 1),
    windowMs: spec.windowMs ?? (spec.first === undefined ? 0 : 2000),
    sockets: seen(sight),
    owners: 'kind' in owners ? owners : seen(ownersOf(owners)),
    firstOwners: spec.firstOwners === undefined ? null : ownersOf(spec.firstOwners),
    processes: seen(new Map((spec.processes ?? []).map((facts) => [facts.pid, facts]))),
    counters: seen({ first: spec.firstCounters ?? null, last: spec.counters ?? {} }),
    settings: seen({ values: spec.settings ?? {}, configured: spec.configured ?? [] }),
  };
}

function endpointOf(text: string): { readonly words: Uint32Array; readonly port: number } {
  const at = text.lastIndexOf(':');
  const bytes = parseAddress(text.slice(0, at).replaceAll(/[[\]]/g, ''));
  if (bytes === null) throw new Error(`no address: ${text}`);
  return { words: new Uint32Array(bytes.buffer), port: Number(text.slice(at + 1)) };
}

function swap16(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
