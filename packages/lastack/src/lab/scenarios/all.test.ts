import { expect, test } from 'vitest';
import { isTransition, RULE_IDS } from '@lastack/core';
import { expectedStates } from '../expected-states.ts';
import { NOT_MADE, SCENARIOS } from './all.ts';

test('every finding of the doctor has a scenario, or a reason why it has none', () => {
  const made = SCENARIOS.flatMap(({ expect: { findings } }) => findings.map(({ rule }) => rule));
  const notMade = NOT_MADE.map(({ rule }) => rule);
  expect(new Set([...made, ...notMade])).toEqual(new Set(RULE_IDS));
  expect(made.filter((rule) => notMade.includes(rule))).toEqual([]);
});

test('ids are unique', () => {
  const ids = SCENARIOS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('all expected states follow each other by the state diagram', () => {
  for (const { id, expect: expectation } of SCENARIOS) {
    for (const side of ['client', 'server'] as const) {
      const states = expectedStates(side, expectation)?.states ?? [];
      for (const [i, state] of states.slice(1).entries()) {
        expect(isTransition(states[i], state), `${id}: ${states[i]} → ${state}`).toBe(true);
      }
    }
  }
});
