import { closeWaitLeak } from './close-wait-leak.ts';
import type { Rule } from './rule.ts';

/** Every rule, in the order in which findings of equal gravity appear. */
export const RULES: readonly Rule[] = [closeWaitLeak];
