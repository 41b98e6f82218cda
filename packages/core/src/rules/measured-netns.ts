import type { SocketSight } from '../evidence/evidence.ts';
import type { BlindSpot } from './rule.ts';

/**
 * The network namespace whose counters and settings were read: lastack's own, or the single one that was looked at.
 * @returns its inode, or null when its sockets were not read
 */
export function measuredNetnsOf({ netns }: SocketSight): number | null {
  const read = netns.filter(({ problem }) => problem === null);
  return (read.length === 1 ? read[0] : read.find(({ isOwn }) => isOwn))?.inode ?? null;
}

/** Sockets of other namespaces cannot be held against the counters and settings of that one. */
export function unmeasuredNetns(sockets: SocketSight | null): readonly BlindSpot[] {
  if (sockets === null) return [];
  const measured = measuredNetnsOf(sockets);
  const others = sockets.netns.filter(
    ({ inode, problem }) => problem === null && inode !== measured,
  ).length;
  if (others === 0) return [];
  return [
    {
      reason: `the counters and settings of ${others === 1 ? 'another network namespace were' : `${others} other network namespaces were`} not read`,
      remedy: 'look at one at a time: --netns PID',
    },
  ];
}
