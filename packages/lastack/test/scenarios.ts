import type { RuleId } from '@lastack/core';
import type { Scenario } from './kit/scenario.ts';
import { CLOSE_WAIT_LEAKS } from './scenarios/close-wait-leak.ts';
import { HEALTHY_HOSTS } from './scenarios/healthy-hosts.ts';
import { OTHER_FINDINGS } from './scenarios/other-findings.ts';

/** Every fault that the tests can make, and the hosts without any. */
export const SCENARIOS: readonly Scenario[] = [
  ...CLOSE_WAIT_LEAKS,
  ...OTHER_FINDINGS,
  ...HEALTHY_HOSTS,
];

/** Findings that no scenario makes, and why; their rules are tested with evidence alone. */
export const NOT_REPRODUCED = {
  'orphan-pressure':
    'tcp_max_orphans is one limit for the whole host, so reaching it in a namespace would harm the host',
  'obsolete-sysctl': 'it is in a file, not in the kernel',
} as const satisfies Partial<Record<RuleId, string>>;

/** @throws RangeError when there is no such scenario */
export function scenarioOf(id: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.id === id);
  if (found === undefined) throw new RangeError(`no scenario ${id}`);
  return found;
}
