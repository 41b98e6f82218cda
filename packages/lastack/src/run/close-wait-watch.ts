import {
  SocketTableBuilder,
  ageOf,
  cookieOf,
  formatAddress,
  maskOfStates,
  remoteBytesOf,
  remotePortOf,
  stateOf,
  type SocketTable,
} from '@lastack/core';
import { readCommands } from '../kernel/commands.ts';
import { readFdLinks } from '../kernel/fd-links.ts';
import { loadLibc } from '../kernel/ffi.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import { SockDiag } from '../kernel/netlink/sock-diag.ts';
import { readSession } from '../kernel/procfs/session.ts';
import { readSocketText } from '../kernel/procfs/socket-text.ts';
import { readRecord } from '../locate/recorded/read-record.ts';
import type { Leak } from './leak.ts';

const CLOSE_WAIT = maskOfStates(['CLOSE-WAIT']);

interface Sighting extends Leak {
  readonly ms: number;
  readonly firstAtMs: number;
}

export interface WatchOptions {
  /** The folder with the records. */
  readonly folder: string;
  /** The session of the command. */
  readonly session: number;
}

/**
 * Follows a command's sockets in CLOSE-WAIT from look to look. The kernel gives only those, so that a look costs little; the
 * descriptors of the command's processes are read only while there are some.
 */
export class CloseWaitWatch implements Disposable {
  readonly #options: WatchOptions;
  /** Null where the kernel refuses netlink. */
  #diag: SockDiag | null;
  #sightings = new Map<string, Sighting>();
  #looks = 0;
  #problem: string | null = null;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#diag = openSockDiag();
  }

  /** How often it could look. */
  get looks(): number {
    return this.#looks;
  }

  /** Why it could not look; null when it could. */
  get problem(): string | null {
    return this.#problem;
  }

  /** @param now ms of a clock that never goes back */
  async look(now: number): Promise<void> {
    const table = this.#readSockets();
    if (table === null) return;
    this.#looks++;
    const rows = new Map<number, number>();
    for (let row = 0; row < table.count; row++) {
      if (stateOf(table, row) === 'CLOSE-WAIT') rows.set(table.inode[row], row);
    }
    // Without an inode it has no descriptor: it waits to be accepted.
    rows.delete(0);
    if (rows.size === 0 && this.#sightings.size === 0) return;
    const pids = new Set(readSession('/proc', this.#options.session));
    const libc = loadLibc();
    const { owners } = await readFdLinks(libc.kind === 'ok' ? libc.value : null, {
      proc: '/proc',
      pids,
      worker: null,
    });
    const commands = readCommands('/proc', owners.pid.subarray(0, owners.count));
    this.#forgetClosed(rows, pids);
    for (let at = 0; at < owners.count; at++) {
      const row = rows.get(owners.inode[at]);
      if (row === undefined) continue;
      const pid = owners.pid[at];
      const holder = { pid, command: commands.get(pid) ?? null, fd: owners.fd[at] };
      this.#see(table, row, holder, now);
    }
  }

  /** The sockets that have been in CLOSE-WAIT for so long, or were when their program ended. */
  leaks(graceMs: number): Leak[] {
    return [...this.#sightings.values()].filter(({ ms }) => ms >= graceMs);
  }

  [Symbol.dispose](): void {
    this.#diag?.[Symbol.dispose]();
    this.#diag = null;
  }

  /** What is gone while its program lives was closed, only late: that is no leak. */
  #forgetClosed(rows: ReadonlyMap<number, number>, pids: ReadonlySet<number>): void {
    for (const [key, { inode, pid }] of this.#sightings) {
      if (!rows.has(inode) && pids.has(pid)) this.#sightings.delete(key);
    }
  }

  #see(
    table: SocketTable,
    row: number,
    holder: Pick<Leak, 'pid' | 'command' | 'fd'>,
    now: number,
  ): void {
    // A socket that several processes hold is one leak: of the one that was seen first.
    const key = `${cookieOf(table, row)} ${table.inode[row]}`;
    const known = this.#sightings.get(key);
    const inode = table.inode[row];
    const firstAtMs = known?.firstAtMs ?? now;
    const { minMs } = ageOf(table, row, { finTimeoutMs: 0 });
    this.#sightings.set(key, {
      ...(known ?? {
        kind: 'close-wait',
        ...holder,
        inode,
        peer: { address: formatAddress(remoteBytesOf(table, row)), port: remotePortOf(table, row) },
      }),
      firstAtMs,
      ms: Math.max(minMs, now - firstAtMs),
      // It may be written a little later than the socket is made.
      stack: known?.stack ?? readRecord(this.#options.folder, { ...holder, inode }),
    });
  }

  #readSockets(): SocketTable | null {
    try {
      if (this.#diag !== null) {
        const table = new SocketTableBuilder(64, true);
        this.#diag.dump({ states: CLOSE_WAIT, info: true }, 0, table);
        return table;
      }
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this[Symbol.dispose]();
    }
    const text = readSocketText('/proc/net', 0);
    if (text.kind === 'ok') return text.value;
    this.#problem = text.reason;
    return null;
  }
}

function openSockDiag(): SockDiag | null {
  const libc = loadLibc();
  if (libc.kind === 'unavailable') return null;
  try {
    return new SockDiag(libc.value);
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}
