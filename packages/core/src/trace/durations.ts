/** Percentiles of durations in a fixed room, however many there are. */
export interface Durations {
  add(ms: number): void;
  readonly count: () => number;
  /** Nearest rank, at most 0.8 % too high; exact for the highest. @param share 0 to 1 */
  at(share: number): number;
}

/** Of a float64's high word: the exponent and seven bits of the fraction, which is 128 steps an octave. */
const DROPPED_BITS = 13;
const STEPS_AN_OCTAVE = 128;
/** From 2^-20 ms, one nanosecond, to 2^36 ms, two years. */
const LOWEST_OCTAVE = -20;
const OCTAVES = 56;
const EXPONENT_BIAS = 1023;
const FIRST = (EXPONENT_BIAS + LOWEST_OCTAVE) * STEPS_AN_OCTAVE;

const scratch = new Float64Array(1);
const halves = new Uint32Array(scratch.buffer);

export function createDurations(): Durations {
  const counts = new Float64Array(OCTAVES * STEPS_AN_OCTAVE);
  let count = 0;
  let highest = 0;
  return {
    add(ms) {
      count++;
      if (ms > highest) highest = ms;
      scratch[0] = ms;
      // Shorter or negative (two clocks): the first.
      const step = ms > 0 ? (halves[1] >>> DROPPED_BITS) - FIRST : 0;
      counts[Math.min(Math.max(step, 0), counts.length - 1)]++;
    },
    count: () => count,
    at(share) {
      const rank = Math.max(1, Math.ceil(share * count));
      let below = 0;
      for (const [step, here] of counts.entries()) {
        below += here;
        if (below >= rank) return below === count ? highest : Math.min(highest, endOf(step));
      }
      return highest;
    },
  };
}

function endOf(step: number): number {
  const octave = Math.floor((step + 1) / STEPS_AN_OCTAVE);
  const fraction = ((step + 1) % STEPS_AN_OCTAVE) / STEPS_AN_OCTAVE;
  return (1 + fraction) * 2 ** (octave + LOWEST_OCTAVE);
}
