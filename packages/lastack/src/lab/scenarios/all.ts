import type { RuleId } from '@lastack/core';
import type { Scenario } from '../scenario.ts';
import { CLOSE_WAITS } from './close-wait.ts';
import { CLOSINGS } from './closing.ts';
import { HOLDERS } from './holders.ts';
import { PORTS } from './ports.ts';
import { VANISHED } from './vanished.ts';
import { WAITS } from './waiting.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...CLOSE_WAITS,
  ...CLOSINGS,
  ...HOLDERS,
  ...PORTS,
  ...VANISHED,
  ...WAITS,
];

/** Findings that no scenario makes, since that would not stay in its namespace. */
export const NOT_MADE: readonly { readonly rule: RuleId; readonly reason: string }[] = [
  {
    rule: 'orphan-pressure',
    reason:
      "tcp_max_orphans and tcp_mem are limits of the whole host: to reach them would end other programs' connections",
  },
  {
    rule: 'obsolete-sysctl',
    reason: 'it is found in /etc/sysctl.d, which nobody but the administrator should change',
  },
];

export function scenarioOf(id: string | undefined): Scenario | null {
  return SCENARIOS.find((scenario) => scenario.id === id) ?? null;
}
