import type { SocketTable, Unavailable } from '@lastack/core';
import { unavailable } from '@lastack/core';
import { loadLibc, type Libc } from '../kernel/ffi.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import { inNetns } from '../kernel/netns.ts';
import { destroyMessage } from '../kernel/netlink/destroy-message.ts';
import { SockDiag } from '../kernel/netlink/sock-diag.ts';
import { listNetns } from '../kernel/netns-list.ts';

const EPERM = 1;
const ENOENT = 2;
const EOPNOTSUPP = 95;

export interface DestroyResult {
  readonly closed: number;
  /** Sockets that were not there any more, or had become another one: the cookie tells. */
  readonly gone: number;
  /** Why it stopped early; null when all were tried. */
  readonly refused: Unavailable | null;
}

/** Closes sockets in the kernel, each by its cookie, so that no other socket is hit that took the address meanwhile. */
export function destroySockets(table: SocketTable, rows: Uint32Array): DestroyResult {
  const libc = loadLibc();
  if (libc.kind === 'unavailable') return { closed: 0, gone: 0, refused: libc };
  let closed = 0;
  let gone = 0;
  for (const [netns, members] of byNetns(table, rows)) {
    const opened = openIn(libc.value, netns);
    if ('kind' in opened) return { closed, gone, refused: opened };
    using diag = opened;
    for (const row of members) {
      const errno = diag.acknowledge(destroyMessage(table, row));
      if (errno === 0) closed++;
      else if (errno === ENOENT) gone++;
      else return { closed, gone, refused: refusal(errno) };
    }
  }
  return { closed, gone, refused: null };
}

function byNetns(table: SocketTable, rows: Uint32Array): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const row of rows) {
    const group = groups.get(table.netns[row]);
    if (group === undefined) groups.set(table.netns[row], [row]);
    else group.push(row);
  }
  return groups;
}

function openIn(libc: Libc, inode: number): SockDiag | Unavailable {
  const list = listNetns();
  if (list.kind === 'unavailable') return list;
  const netns = list.value.namespaces.find((each) => each.inode === inode);
  if (netns === undefined)
    return unavailable(`the network namespace ${inode} is gone`, 'look again');
  if (netns.isOwn) return new SockDiag(libc);
  const opened = inNetns(libc, netns.path, () => new SockDiag(libc));
  return opened.kind === 'ok' ? opened.value : opened;
}

function refusal(errno: number): Unavailable {
  switch (errno) {
    case EPERM:
      return unavailable('permission denied', 'run as root or with CAP_NET_ADMIN');
    case EOPNOTSUPP:
      return unavailable(
        'this kernel cannot (it is built without CONFIG_INET_DIAG_DESTROY)',
        'end the connection in the program, or end the program',
      );
    default:
      return unavailable(
        new KernelError('SOCK_DESTROY', errno).message,
        'look again with lastack ls',
      );
  }
}
