import type { Age } from '@lastack/core';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** A duration in at most two units without spaces, rounded down: `340ms`, `42s`, `3h12m`. */
export function compactDuration(ms: number): string {
  if (ms < 1000) return `${Math.floor(ms)}ms`;
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[first];
  const count = Math.floor(ms / size);
  if (first === UNITS.length - 1) return `${count}${unit}`;
  const [nextUnit, nextSize] = UNITS[first + 1];
  const rest = Math.floor((ms % size) / nextSize);
  return rest === 0 ? `${count}${unit}` : `${count}${unit}${rest}${nextUnit}`;
}

/** A duration for prose: `340 ms`, `42 s`, `3 h 12 min`, `2 d`. */
export function proseDuration(ms: number): string {
  return compactDuration(ms)
    .replaceAll(/(\d)(?=[a-z])/g, '$1 ')
    .replaceAll(/([a-z])(?=\d)/g, '$1 ')
    .replaceAll(/\bm\b/g, 'min');
}

/** How old, with its certainty: `=` measured, `≈` from a timer, `≥` at least, `-` unknown. */
export function formatAge(age: Age): string {
  if (age.exact) return `=${compactDuration(age.minMs)}`;
  if (age.maxMs === null) return age.minMs === 0 ? '-' : `≥${compactDuration(age.minMs)}`;
  return `${age.maxMs === age.minMs ? '≈' : '≥'}${compactDuration(age.minMs)}`;
}
