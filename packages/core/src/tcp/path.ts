import type { Random } from './random.ts';

/** What a network does to segments, the same in both directions. Times in milliseconds, rates from 0 to 1. */
export interface Path {
  /** One way. */
  readonly delay: number;
  /** Up to so much is added, at random: segments overtake each other. */
  readonly jitter: number;
  /** How many are lost. */
  readonly loss: number;
  /** How many arrive a second time, up to `lateBy` after the first. */
  readonly duplicate: number;
  /** At most the maximum segment lifetime (MSL): half of TIME-WAIT. */
  readonly lateBy: number;
  /** From then on everything that is sent is lost: the cable is cut, the other host gone. Never unless given. */
  readonly cutAt?: number;
}

/** A network without faults. */
export const CLEAN_PATH: Path = { delay: 10, jitter: 0, loss: 0, duplicate: 0, lateBy: 0 };

/** When a segment that is sent at `now` arrives, or null when it is lost. */
export function arrivalOf(path: Path, random: Random, now: number): number | null {
  if (path.cutAt !== undefined && now >= path.cutAt) return null;
  if (path.loss > 0 && random() < path.loss) return null;
  return now + path.delay + (path.jitter > 0 ? random() * path.jitter : 0);
}

/** When its copy arrives, or null when there is none. */
export function copyOf(path: Path, random: Random, arrival: number): number | null {
  if (path.cutAt !== undefined && arrival >= path.cutAt) return null;
  return path.duplicate > 0 && random() < path.duplicate ? arrival + random() * path.lateBy : null;
}
