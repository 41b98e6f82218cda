import { existsSync } from 'node:fs';
import { RULE_IDS } from '@lastack/core';
import { describe, expect, test } from 'vitest';
import { until } from './kit/condition.ts';
import { orSkip } from './kit/or-skip.ts';
import { readCall, readStat } from './kit/procfs.ts';
import { startScenario, type RunningScenario, type ScenarioOptions } from './kit/scenario.ts';
import { holdersOf } from './kit/sockets.ts';
import { NOT_REPRODUCED, scenarioOf, SCENARIOS } from './scenarios.ts';

/** Debian's `nobody`. */
const NOBODY = 65_534;

describe.concurrent('every scenario reaches its state and ends completely', () => {
  for (const scenario of SCENARIOS) {
    test(`${scenario.id}: ${scenario.shows}`, async (ctx) => {
      const running = await orSkip(ctx, startScenario(scenario));
      const { pids, holders } = running;
      try {
        expectHolders(running);
        await expectCall(running);
      } finally {
        await running[Symbol.asyncDispose]();
      }
      expect(holders.every((pid) => pids.includes(pid))).toBe(true);
      expect(pids.filter(isAlive)).toEqual([]);
    });
  }
});

describe.concurrent('every scenario has a healthy twin', () => {
  for (const scenario of SCENARIOS.filter(({ expect }) => expect.kind === 'finding')) {
    test(`${scenario.id}: ${scenario.shows}`, async (ctx) => {
      const running = await orSkip(ctx, startScenario(scenario, { healthy: true }));
      await running[Symbol.asyncDispose]();
      expect(running.pids.filter(isAlive)).toEqual([]);
    });
  }
});

describe.concurrent('an ordinary user can make the scenarios', () => {
  for (const id of ['eof-kept', 'vanished-in-closing', 'dead-by-reset']) {
    test(`as in ${id}`, async (ctx) => {
      const running = await orSkip(ctx, startScenario(scenarioOf(id), asOrdinaryUser()));
      try {
        expectHolders(running);
      } finally {
        await running[Symbol.asyncDispose]();
      }
      expect(running.pids.filter(isAlive)).toEqual([]);
    });
  }
});

for (const rule of RULE_IDS) {
  test(`there is a scenario for ${rule}`, (ctx) => {
    if (rule in NOT_REPRODUCED) ctx.skip(NOT_REPRODUCED[rule as keyof typeof NOT_REPRODUCED]);
    const rules = SCENARIOS.map(({ expect }) => (expect.kind === 'finding' ? expect.rule : null));
    expect(rules).toContain(rule);
  });
}

/** An ordinary user's run takes no other user. */
function asOrdinaryUser(): ScenarioOptions {
  return process.getuid?.() === 0 ? { uid: NOBODY } : {};
}

/** The processes that the scenario names hold the sockets at fault, all of them, and nobody else does. */
function expectHolders({ scenario, sockets, pids, holders, namespace }: RunningScenario): void {
  if (scenario.expect.kind === 'silent') return;
  const owned = sockets.filter(({ inode }) => inode !== 0);
  expect(namespace.pids().every((pid) => pids.includes(pid))).toBe(true);
  expect(holders.length > 0).toBe(scenario.expect.holders.length > 0);
  if (owned.length === 0) return;
  expect(new Set(holdersOf(owned, pids))).toEqual(new Set(holders));
}

async function expectCall({ scenario, holders }: RunningScenario): Promise<void> {
  const { blockedIn } = scenario;
  // Numbers of system calls differ by processor, and some kernels do not tell them.
  if (blockedIn === undefined || readCall(process.pid) === null) return;
  for (const pid of holders) {
    await until(
      () => readCall(pid)?.startsWith(blockedIn),
      () => `pid ${pid} in ${blockedIn}, ${scenario.id}; it is in ${readCall(pid)}`,
    );
  }
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && readStat(pid)?.state !== 'Z';
}
