import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { FindingOwner, Forecast, Growth } from '../finding/finding.ts';
import type { Age } from '../socket/age.ts';

/** A shorter window counts too few arrivals to speak of a rate. */
const SHORTEST_OBSERVATION_MS = 10_000;
const AGES_HORIZON_MS = 60_000;
const MINUTE_MS = 60_000;

/**
 * How fast sockets pile up.
 * @param ages of all that are here now
 * @param arrived how many of them were not yet in this state at the first look; null when there was only one look
 * @param patienceMs how old a socket must be to be among them: younger ones have arrived uncounted
 */
export function growthOf(
  ages: readonly Age[],
  arrived: number | null,
  windowMs: number,
  patienceMs = 0,
): Growth | null {
  if (arrived !== null && windowMs >= SHORTEST_OBSERVATION_MS) {
    const perMinute = (arrived * MINUTE_MS) / (windowMs - patienceMs);
    return { perMinute, basis: 'observed', windowMs };
  }
  // Sockets that stay tell when they came: those that certainly entered the state within the horizon.
  const oldest = ages.reduce((most, age) => Math.max(most, age.minMs), 0);
  const horizon = Math.min(AGES_HORIZON_MS, oldest);
  if (horizon < SHORTEST_OBSERVATION_MS) return null;
  const entered = ages.filter(({ maxMs }) => maxMs !== null && maxMs <= horizon).length;
  const perMinute = (entered * MINUTE_MS) / (horizon - patienceMs);
  return { perMinute, basis: 'ages', windowMs: horizon };
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
    const perMinute = growth.perMinute * (owner.fds.length / fds);
    const descriptors = processes?.get(pid)?.descriptors;
    if (descriptors?.kind !== 'ok' || descriptors.value.limit === null) continue;
    const { open, limit } = descriptors.value;
    const goneAt = at + ((limit - open) / perMinute) * MINUTE_MS;
    if (soonest !== null && soonest.at <= goneAt) continue;
    soonest = { limit: `${limit} descriptors`, at: goneAt, perMinute };
  }
  return soonest;
}
