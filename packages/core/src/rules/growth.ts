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
 */
export function growthOf(
  ages: readonly Age[],
  arrived: number | null,
  windowMs: number,
): Growth | null {
  if (arrived !== null && windowMs >= SHORTEST_OBSERVATION_MS) {
    return { perMinute: (arrived * MINUTE_MS) / windowMs, basis: 'observed', windowMs };
  }
  // Sockets that stay tell when they came: those that certainly entered the state within the horizon.
  const oldest = ages.reduce((most, age) => Math.max(most, age.minMs), 0);
  const horizon = Math.min(AGES_HORIZON_MS, oldest);
  if (horizon < SHORTEST_OBSERVATION_MS) return null;
  const entered = ages.filter(({ maxMs }) => maxMs !== null && maxMs <= horizon).length;
  return { perMinute: (entered * MINUTE_MS) / horizon, basis: 'ages', windowMs: horizon };
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
  for (const { pid } of owners) {
    const descriptors = processes?.get(pid)?.descriptors;
    if (descriptors?.kind !== 'ok' || descriptors.value.limit === null) continue;
    const { open, limit } = descriptors.value;
    const goneAt = at + ((limit - open) / growth.perMinute) * MINUTE_MS;
    if (soonest !== null && soonest.at <= goneAt) continue;
    soonest = { limit: `${limit} descriptors`, at: goneAt, perMinute: growth.perMinute };
  }
  return soonest;
}
