import { existsSync } from 'node:fs';
import { describe, expect, test, type TestContext } from 'vitest';
import { until } from './kit/condition.ts';
import { NamespaceUnavailable } from './kit/netns.ts';
import { readCall, readStat } from './kit/procfs.ts';
import {
  startScenario,
  type RunningScenario,
  type Scenario,
  type ScenarioOptions,
} from './kit/scenario.ts';
import { holdersOf } from './kit/sockets.ts';
import { NOT_REPRODUCED, SCENARIOS } from './scenarios.ts';

/** Debian's `nobody`. */
const NOBODY = 65_534;

describe.concurrent('every scenario reaches its state and ends completely', () => {
  for (const scenario of SCENARIOS) {
    test(scenario.id, async (ctx) => {
      const running = await startOrSkip(ctx, scenario);
      const { pids, holders, sockets } = running;
      try {
        expectHolders(running);
        await expectCall(running);
      } finally {
        await running[Symbol.asyncDispose]();
      }
      expect(sockets.every(({ state }) => state !== undefined)).toBe(true);
      expect(holders.every((pid) => pids.includes(pid))).toBe(true);
      expect(pids.filter(isAlive)).toEqual([]);
    });
  }
});

describe.concurrent('every scenario has a healthy twin', () => {
  for (const scenario of SCENARIOS.filter(({ expect }) => expect.kind === 'finding')) {
    test(scenario.id, async (ctx) => {
      const running = await startOrSkip(ctx, scenario, { healthy: true });
      await running[Symbol.asyncDispose]();
      expect(running.pids.filter(isAlive)).toEqual([]);
    });
  }
});

describe.concurrent('an ordinary user can make the scenarios', () => {
  for (const id of ['eof-kept', 'vanished-in-closing', 'dead-by-reset']) {
    test(id, async (ctx) => {
      const scenario = SCENARIOS.find((each) => each.id === id);
      if (scenario === undefined) throw new RangeError(id);
      const running = await startOrSkip(ctx, scenario, asOrdinaryUser());
      try {
        expectHolders(running);
      } finally {
        await running[Symbol.asyncDispose]();
      }
      expect(running.pids.filter(isAlive)).toEqual([]);
    });
  }
});

for (const [rule, reason] of Object.entries(NOT_REPRODUCED)) {
  test(`a scenario for ${rule}`, (ctx) => ctx.skip(reason));
}

/** An ordinary user's run takes no other user. */
function asOrdinaryUser(): ScenarioOptions {
  return process.getuid?.() === 0 ? { uid: NOBODY } : {};
}

async function startOrSkip(
  ctx: TestContext,
  scenario: Scenario,
  options: ScenarioOptions = {},
): Promise<RunningScenario> {
  try {
    return await startScenario(scenario, options);
  } catch (error) {
    if (error instanceof NamespaceUnavailable) ctx.skip(error.message);
    throw error;
  }
}

/** The processes that the scenario names hold the sockets at fault, all of them, and nobody else does. */
function expectHolders({ scenario, sockets, pids, holders, namespace }: RunningScenario): void {
  if (scenario.expect.kind === 'silent') return;
  const owned = sockets.filter(({ inode }) => inode !== 0);
  expect(namespace.pids().every((pid) => pids.includes(pid))).toBe(true);
  expect(holders.length > 0).toBe(scenario.expect.holders.length > 0);
  if (owned.length === 0) return;
  expect(holdersOf(owned, pids).toSorted()).toEqual([...holders].toSorted());
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
