import type { CounterSight } from '../evidence/evidence.ts';
import type { BlindSpot } from './rule.ts';

/**
 * By how much a counter grew in the window; 0 for one that the kernel lacks, and when there was only one look: a total since
 * the host was started is history, not a finding.
 */
export function grewBy({ first, last }: CounterSight, name: string): number {
  const before = first?.[name];
  const now = last[name];
  return before === undefined || now === undefined ? 0 : Math.max(0, now - before);
}

/** Without two looks nobody knows whether a counter grows. */
export function withoutGrowth({ first }: CounterSight): readonly BlindSpot[] {
  return first !== null
    ? []
    : [{ reason: 'the counters were read only once', remedy: 'watch for longer: --for 2s' }];
}
