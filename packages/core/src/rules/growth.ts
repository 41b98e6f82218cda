import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { FindingOwner, Forecast, Growth } from '../finding/finding.ts';
import type { Age } from '../socket/age.ts';

/** A shorter window counts too few arrivals to speak of a rate. */
const SHORTEST_OBSERVATION_MS = 10_000;
const AGES_HORIZON_MS = 60_000;
const MINUTE_MS = 60_000;
/** One that came may have come alone. */
const LEAST_OBSERVED = 2;
/** Where nobody has counted, fewer could be a coincidence. */
const LEAST_BY_AGES = 5;
/** Arrivals of which more came in one third of the time were a burst, such as the restart of a peer. */
const MOST_IN_A_THIRD = 2 / 3;

/**
 * How fast what was counted at both looks piles up.
 * @param arrived null when there was only one look
 */
export function growthByCount(arrived: number | null, windowMs: number): Growth | null {
  if (arrived === null || windowMs < SHORTEST_OBSERVATION_MS) return null;
  if (arrived > 0 && arrived < LEAST_OBSERVED) return null;
  return { perMinute: (arrived * MINUTE_MS) / windowMs, basis: 'observed', windowMs };
}

/**
 * How fast sockets pile up that stay: they tell when they came. Null for what came in a burst.
 * @param ages of all that are here now
 * @param arrived of those that were not yet in this state at the first look; null when there was only one look
 * @param patienceMs how old a socket must be to be among them: younger ones have arrived uncounted
 */
export function growthByAges(
  ages: readonly Age[],
  arrived: readonly Age[] | null,
  windowMs: number,
  patienceMs: number,
): Growth | null {
  const watchedMs = windowMs - patienceMs;
  if (
    arrived !== null &&
    windowMs >= SHORTEST_OBSERVATION_MS &&
    watchedMs >= SHORTEST_OBSERVATION_MS / 2
  ) {
    const enough = arrived.length === 0 || arrived.length >= LEAST_OBSERVED;
    if (!enough || isBurst(thirdsOf(arrived, patienceMs, windowMs))) return null;
    const perMinute = (arrived.length * MINUTE_MS) / watchedMs;
    return { perMinute, basis: 'observed', windowMs };
  }
  const oldest = ages.reduce((most, age) => Math.max(most, age.minMs), 0);
  const horizon = Math.min(AGES_HORIZON_MS, oldest);
  if (horizon - patienceMs < SHORTEST_OBSERVATION_MS) return null;
  // Where time is counted from the oldest on, that one is no arrival.
  const later = ages.filter(({ maxMs }) => maxMs !== null && maxMs < oldest);
  const thirds = thirdsOf(later, patienceMs, horizon);
  const entered = thirds[0] + thirds[1] + thirds[2];
  if (entered < LEAST_BY_AGES || thirds.includes(0) || isBurst(thirds)) return null;
  const perMinute = (entered * MINUTE_MS) / (horizon - patienceMs);
  return { perMinute, basis: 'ages', windowMs: horizon };
}

/** How many certainly came in each third of the time between two ages, the latest first. */
function thirdsOf(ages: readonly Age[], fromMs: number, toMs: number): [number, number, number] {
  const thirds: [number, number, number] = [0, 0, 0];
  for (const { maxMs } of ages) {
    if (maxMs === null || maxMs > toMs) continue;
    const third = Math.floor(((maxMs - fromMs) * 3) / (toMs - fromMs));
    thirds[Math.max(0, Math.min(2, third)) as 0 | 1 | 2]++;
  }
  return thirds;
}

function isBurst(thirds: readonly [number, number, number]): boolean {
  const [a, b, c] = thirds;
  return Math.max(...thirds) > (a + b + c) * MOST_IN_A_THIRD;
}

/** When the first of the owners runs out of descriptors at this rate. */
export function forecastDescriptors(
  owners: readonly FindingOwner[],
  processes: ReadonlyMap<number, ProcessFacts> | null,
  growth: Growth | null,
  at: number,
): Forecast | null {
  if (growth === null || growth.perMinute <= 0) return null;
  let soonest: Forecast | null = null;
  const fds = owners.reduce((sum, owner) => sum + owner.fds.length, 0);
  for (const owner of owners) {
    const { pid } = owner;
    // Each is taken to go on as it has so far.
    const share = fds === 0 ? 1 / owners.length : owner.fds.length / fds;
    const perMinute = growth.perMinute * share;
    const descriptors = processes?.get(pid)?.descriptors;
    if (descriptors?.kind !== 'ok' || descriptors.value.limit === null) continue;
    const { open, limit } = descriptors.value;
    const goneAt = at + ((limit - open) / perMinute) * MINUTE_MS;
    if (soonest !== null && soonest.at <= goneAt) continue;
    soonest = { limit: `${limit} descriptors`, at: goneAt, perMinute };
  }
  return soonest;
}
