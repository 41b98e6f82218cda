import type { Observation } from '@lastack/core';

/** Whether a parser gave a value without NaN in it, or else said what it could not read. */
export function isClear(observation: Observation<unknown>, what: string): boolean {
  if (observation.kind === 'unavailable') return observation.reason.includes(what);
  return !holdsNaN(observation.value);
}

function holdsNaN(value: unknown): boolean {
  if (typeof value === 'number') return Number.isNaN(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNaN);
}
