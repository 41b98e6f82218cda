import { describe, expect, test } from 'vitest';
import type { Location } from '@lastack/core';
import { until } from './kit/condition.ts';
import { runLastack, type LastackOptions } from './kit/lastack.ts';
import { orSkip } from './kit/or-skip.ts';
import { schemaErrors } from './kit/schema.ts';
import {
  startScenario,
  type Finding,
  type RunningScenario,
  type Scenario,
} from './kit/scenario.ts';
import { isAt, PYTHON_LINES } from './python-lines.ts';
import { SCENARIOS, scenarioOf } from './scenarios.ts';

/** A fault must be as old as the doctor's patience, on a busy machine. */
const WITHIN_MS = 40_000;
/** For programs to start, and to reach their state. */
const STARTS_MS = 20_000;
/** As long as a fault needs to be found: what is not found in it, is silent. */
const SILENT_WINDOW = '4s';

interface Report {
  readonly findings: readonly {
    readonly rule: string;
    readonly cause: string | null;
    readonly title: string;
    readonly locations: readonly Location[];
    readonly why: string;
    readonly owners: readonly { readonly pid: number; readonly fds: readonly number[] }[];
    readonly fix: { readonly summary: string; readonly steps: readonly object[] };
  }[];
  readonly unknown: readonly { readonly rule: string; readonly reason: string }[];
}

describe.concurrent('the doctor finds every fault', () => {
  for (const scenario of SCENARIOS) {
    const { expect: expected, patienceMs = 0 } = scenario;
    if (expected.kind !== 'finding') continue;
    const withinMs = WITHIN_MS + patienceMs;
    const timeout = withinMs + STARTS_MS;
    test(`${scenario.id}: ${expected.rule}`, { timeout }, async (ctx) => {
      if (expected.rule === 'dead-descriptor' && process.getuid?.() !== 0) {
        ctx.skip('only BPF tells a dead descriptor, and it needs root');
      }
      await using running = await orSkip(ctx, startScenario(scenario));
      let last: Report | null = null;
      const found = await until(
        async () => {
          last = await examine(running);
          return matches(last, expected, running.holders) && namesLines(last, scenario);
        },
        () =>
          `${expected.rule} (${expected.cause ?? 'any cause'}) held by ${running.holders.join()}; the doctor said ${JSON.stringify(last, null, 1)}`,
        { withinMs },
      );
      expect(found).toBe(true);
    });
  }
});

describe.concurrent('the doctor is silent about the repaired twin', () => {
  for (const scenario of SCENARIOS) {
    const { expect: expected } = scenario;
    if (expected.kind !== 'finding') continue;
    test(`${scenario.id}: ${expected.rule}`, async (ctx) => {
      await using running = await orSkip(ctx, startScenario(scenario, { healthy: true }));
      const { findings } = await examine(running, SILENT_WINDOW);
      expect(findings.filter(({ rule }) => rule === expected.rule)).toEqual([]);
    });
  }
});

describe.concurrent('the doctor is silent about a healthy busy host', () => {
  for (const scenario of SCENARIOS) {
    if (scenario.expect.kind !== 'silent') continue;
    const { id } = scenario;
    test(`of ${id}`, async (ctx) => {
      await using running = await orSkip(ctx, startScenario(scenario));
      const { findings } = await examine(running, SILENT_WINDOW);
      expect(findings).toEqual([]);
    });
  }
});

test('an ordinary user is told of his own leak, and of what he cannot see', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root, to become somebody else');
  const scenario = scenarioOf('eof-kept');
  const uid = 65_534;
  await using running = await orSkip(ctx, startScenario(scenario, { uid }));
  const report = await until(
    async () => {
      // The namespace belongs to that user, and what enters it is that user.
      const seen = await examine(running, '1s');
      return seen.findings.length > 0 ? seen : null;
    },
    'a finding',
    { withinMs: WITHIN_MS },
  );
  expect(report.findings[0]).toMatchObject({
    rule: 'close-wait-leak',
    owners: [{ pid: running.holders[0] }],
  });
  expect(report.unknown.map(({ reason }) => reason).join()).toMatch(
    /permission denied|not permitted/,
  );
});

async function examine(
  { namespace }: RunningScenario,
  window = '1s',
  options: LastackOptions = {},
): Promise<Report> {
  const { status, stdout, stderr } = await runLastack(['doctor', '--json', '--for', window], {
    namespace,
    ...options,
  });
  expect(stderr).toBe('');
  expect(status).toBeLessThan(2);
  const report = JSON.parse(stdout) as Report;
  expect(schemaErrors('doctor', report)).toBeNull();
  return report;
}

function matches(report: Report, { rule, cause }: Finding, holders: readonly number[]): boolean {
  const found = report.findings.filter(
    (finding) => finding.rule === rule && (cause === undefined || finding.cause === cause),
  );
  const named = new Set(found.flatMap(({ owners }) => owners.map(({ pid }) => pid)));
  return found.length > 0 && holders.every((pid) => named.has(pid));
}

/** Whether the finding names the lines of the program that are known. */
function namesLines({ findings }: Report, { id, expect: expected }: Scenario): boolean {
  if (expected.kind === 'silent') return true;
  const locations = findings
    .filter(({ rule }) => rule === expected.rule)
    .flatMap((finding) => finding.locations);
  return (PYTHON_LINES[id] ?? []).every((line) => locations.some((each) => isAt(each, line)));
}
