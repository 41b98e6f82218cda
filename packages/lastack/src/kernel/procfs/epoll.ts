import { seen, type EpollWatch, type Observation } from '@lastack/core';
import { listProcNumbers, malformed, orEnded, readProcLink, readProcText } from './read-proc.ts';

/** A target of an epoll instance: one `tfd:` line. */
export interface EpollTarget {
  /** The number that the descriptor had when it was registered. */
  readonly fd: number;
  /** EPOLLIN and the like; 0 but for flags when nothing was asked for, or a one-shot has fired. */
  readonly events: number;
  /** The target file's inode; null before Linux 4.13. */
  readonly inode: number | null;
}

/** EPOLLIN | EPOLLRDNORM | EPOLLRDHUP (include/uapi/linux/eventpoll.h): each of them reports the end of the stream. */
const EPOLL_INPUT = 0x0001 | 0x0040 | 0x2000;
/** Programs make their epoll instances early, so those have low numbers. */
const MOST_DESCRIPTORS = 4096;
const EPOLL_LINK = 'anon_inode:[eventpoll]';

/** Parses /proc/PID/fdinfo/FD of an epoll descriptor: fs/eventpoll.c, ep_show_fdinfo(). */
export function parseEpollFdinfo(text: string): Observation<readonly EpollTarget[]> {
  const targets: EpollTarget[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('tfd:')) continue;
    const match =
      /^tfd: +(\d{1,10}) events: +([\da-f]{1,8}) (?:.* ino:([\da-f]{1,16})(?: |$))?/.exec(line);
    if (match === null) return malformed('epoll fdinfo', line);
    const [, fd, events, inode] = match;
    targets.push({
      fd: Number(fd),
      events: Number.parseInt(events, 16),
      inode: inode === undefined ? null : Number.parseInt(inode, 16),
    });
  }
  return seen(targets);
}

/**
 * Reads which descriptors a process watches with epoll. What it gives to poll, select or io_uring cannot be seen.
 *
 * Needs the right to ptrace-read the process. A link is read for each descriptor, about 4 µs; sockets that the caller knows
 * already are passed over, and at most 4096 others are looked at.
 * @param root `/proc`
 * @param sockets inode by descriptor, as far as known
 */
export function readEpollWatch(
  root: string,
  pid: number,
  sockets: ReadonlyMap<number, number>,
): Observation<EpollWatch> {
  const fds = orEnded(listProcNumbers(`${root}/${pid}/fd`), pid);
  if (fds.kind !== 'ok') return fds;
  const others = fds.value.filter((fd) => !sockets.has(fd));
  const links = new Map<number, string>();
  for (const fd of others.slice(0, MOST_DESCRIPTORS)) {
    const link = readProcLink(`${root}/${pid}/fd/${fd}`);
    if (link.kind === 'unavailable') return link;
    if (link.kind === 'ok') links.set(fd, link.value);
  }
  for (const [fd, inode] of sockets) links.set(fd, `socket:[${inode}]`);

  const input = new Set<number>();
  const muted = new Set<number>();
  let instances = 0;
  for (const [fd, link] of links) {
    if (link !== EPOLL_LINK) continue;
    const text = readProcText(`${root}/${pid}/fdinfo/${fd}`);
    if (text.kind === 'gone') continue;
    const targets = text.kind === 'ok' ? parseEpollFdinfo(text.value) : text;
    if (targets.kind !== 'ok') return targets;
    instances++;
    for (const target of targets.value) {
      if (!isStill(target, links.get(target.fd))) continue;
      ((target.events & EPOLL_INPUT) === 0 ? muted : input).add(target.fd);
    }
  }
  return seen({
    instances,
    fds: [...input],
    muted: [...muted].filter((fd) => !input.has(fd)),
    complete: others.length <= MOST_DESCRIPTORS,
  });
}

/**
 * Whether the registered number still means the registered file. After a fork or dup it may not: an instance that several
 * processes share shows the numbers of the one that registered them.
 */
function isStill(target: EpollTarget, link: string | undefined): boolean {
  if (link === undefined || target.inode === null) return true;
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
  return inode === undefined || Number(inode) === target.inode;
}
