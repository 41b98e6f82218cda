import { AF_INET6 } from '../socket/row.ts';
import type { TracedProcess, TraceRecord } from './trace-record.ts';

/** Who listens where, so that a new connection can be said to be somebody's. */
export interface Listeners {
  /** A listening socket appears. Several on one port (SO_REUSEPORT) make its connections nobody's in particular. */
  add(place: ListenPlace, holder: TracedProcess | null): void;
  /** It is gone. */
  remove(place: ListenPlace): void;
  /** Who takes the connection that a record tells of; null where that may be one of several processes. */
  holderFor(place: ListenPlace): TracedProcess | null;
}

/** The part of a record that tells where a socket is bound. */
export type ListenPlace = Pick<
  TraceRecord,
  'atMs' | 'netns' | 'localPort' | 'family' | 'addresses' | 'at'
>;

interface Listener {
  readonly netns: number | null;
  readonly address: readonly number[];
  readonly holder: TracedProcess | null;
  /** When the holder was last asked about, and the answer. */
  checkedMs: number;
  isShared: boolean;
}

const RECHECK_MS = 1000;

/** @param isShared whether another process holds sockets of this one (a server that forks after listen()) */
export function createListeners(isShared: (pid: number) => boolean): Listeners {
  const byPort = new Map<number, Listener[]>();
  return {
    add(place, holder) {
      const list = byPort.get(place.localPort) ?? [];
      byPort.set(place.localPort, list);
      const { netns } = place;
      const address = addressOf(place);
      list.push({ netns, address, holder, checkedMs: -Infinity, isShared: false });
    },
    remove(place) {
      const list = byPort.get(place.localPort) ?? [];
      const address = addressOf(place);
      const found = list.findIndex(
        (each) => each.netns === place.netns && isSame(each.address, address),
      );
      if (found >= 0) list.splice(found, 1);
      if (list.length === 0) byPort.delete(place.localPort);
    },
    holderFor(place) {
      let only: Listener | null = null;
      for (const listener of byPort.get(place.localPort) ?? []) {
        if (listener.netns !== place.netns || !covers(listener.address, place)) continue;
        if (only !== null) return null;
        only = listener;
      }
      if (only === null || only.holder === null) return null;
      if (place.atMs - only.checkedMs >= RECHECK_MS) {
        only.checkedMs = place.atMs;
        only.isShared = isShared(only.holder.pid);
      }
      return only.isShared ? null : only.holder;
    },
  };
}

/** IPv4 as IPv6 maps it, so that both compare. */
function addressOf({ family, addresses, at }: ListenPlace): readonly number[] {
  if (family === AF_INET6) return Array.from(addresses.subarray(at, at + 4));
  return addresses[at] === 0 ? [0, 0, 0, 0] : [0, 0, MAPPED, addresses[at]];
}

/** ::ffff:0:0 in the kernel's order. */
const MAPPED = 0xffff_0000;

function covers(address: readonly number[], { family, addresses, at }: ListenPlace): boolean {
  if ((address[0] | address[1] | address[2] | address[3]) === 0) return true;
  if (family !== AF_INET6) return address[2] === MAPPED && address[3] === addresses[at];
  return address.every((word, i) => word === addresses[at + i]);
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.every((word, i) => word === other[i]);
}
