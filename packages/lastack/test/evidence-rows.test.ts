import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, type TestContext } from 'vitest';
import type { Location } from '@lastack/core';
import { NODES } from '../src/locate/node/testing/node-program.ts';
import { EVIDENCE_ROWS, type NodeLine, type ShownInNode } from './evidence-rows.ts';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';
import { orSkip } from './kit/or-skip.ts';
import { startScenario, type RunningScenario } from './kit/scenario.ts';
import { PYTHON_LINES } from './python-lines.ts';
import { scenarioOf } from './scenarios.ts';

const WITHIN_MS = 40_000;

interface Finding {
  readonly rule: string;
  readonly cause: string | null;
  readonly owners: readonly { readonly pid: number }[];
  readonly locations: readonly Location[];
  readonly notes: readonly string[];
}

const IN_NODE = EVIDENCE_ROWS.flatMap(({ node, ...row }) =>
  'cannotBe' in node ? [] : node.map((shown) => ({ ...row, shown })),
);
const NOT_IN_NODE = EVIDENCE_ROWS.flatMap(({ program, node }) =>
  'cannotBe' in node ? [{ program, ...node }] : [],
);

for (const node of NODES) {
  describe.concurrent(`doctor --attach names cause and line of a program in ${node} that`, () => {
    for (const { program, rule, shown } of IN_NODE) {
      const { patienceMs = 0 } = scenarioOf(shown.scenario);
      const timeout = 2 * WITHIN_MS + patienceMs;
      test(`${program} (${shown.scenario})`, { timeout }, async (ctx) => {
        await using scenario = await startOrSkip(ctx, shown.scenario, node);
        const findings = await findWithLines(scenario, rule, shown);
        expect(findings).not.toEqual([]);
        await expectUndisturbed(scenario);
      });
    }
  });
}

for (const { program, cannotBe } of NOT_IN_NODE) {
  test(`a program in Node that ${program}`, (ctx) => {
    expect(cannotBe).not.toBe('');
    ctx.skip(cannotBe);
  });
}

/** Whose scenarios doctor.test.ts runs. */
test.each(EVIDENCE_ROWS)('a program in Python that $program has its lines', (row) => {
  const shown = 'cannotBe' in row.python ? [] : row.python;
  for (const { scenario } of shown) {
    expect(scenarioOf(scenario).expect).toMatchObject({ rule: row.rule });
    expect(PYTHON_LINES, scenario).toHaveProperty([scenario]);
  }
});

/** Those with the cause that the scenario asks for, at the line's number, of the processes that hold the sockets. */
async function findWithLines(
  { namespace, scenario, holders }: RunningScenario,
  rule: string,
  { lines, why }: ShownInNode,
): Promise<readonly Finding[]> {
  const { expect: expected, patienceMs = 0 } = scenario;
  const cause = expected.kind === 'finding' ? expected.cause : undefined;
  let last = '';
  return until(
    async () => {
      const args = ['doctor', '--json', '--attach', '--for', '1s'];
      const { stdout, stderr } = await runLastack(args, { namespace });
      expect(stderr).toBe('');
      last = stdout;
      const { findings } = JSON.parse(last) as { readonly findings: readonly Finding[] };
      const found = findings.filter(
        (finding) =>
          finding.rule === rule &&
          (cause === undefined || finding.cause === cause) &&
          holders.every((pid) => finding.owners.some((owner) => owner.pid === pid)) &&
          lines.every((line) => finding.locations.some((location) => isAt(location, line))) &&
          (why === undefined || why.test(finding.notes.join('\n'))),
      );
      return found.length > 0 ? found : null;
    },
    () => `${rule} with ${JSON.stringify(lines)}; the doctor said ${last}`,
    { withinMs: WITHIN_MS + patienceMs },
  );
}

function isAt(location: Location, { role, file, text, name }: NodeLine): boolean {
  if (location.role !== role || basename(location.file) !== file) return false;
  const told = location.name
    ?.replace(/ and \d+ more$/, '')
    .replaceAll(/([[(])\d+([\])])/g, '$1N$2');
  return (
    [text].flat().some((each) => location.line === numberOf(file, each)) &&
    (name === undefined || name === told)
  );
}

/** The number of the one line that has this text. */
function numberOf(file: string, text: string): number {
  const path = fileURLToPath(new URL(`programs/${file}`, import.meta.url));
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  expect(lines.filter((line) => line === text)).toHaveLength(1);
  return lines.indexOf(text) + 1;
}

/** It lives, and its inspector is closed. */
async function expectUndisturbed({ holders, namespace }: RunningScenario): Promise<void> {
  expect(holders.length).toBeGreaterThan(0);
  for (const pid of holders)
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/^\d+ \([^)]/);
  const { stdout } = await namespace.run('ss', ['-tlnH', 'sport', '=', ':9229']);
  expect(stdout).toBe('');
}

async function startOrSkip(ctx: TestContext, id: string, node: string): Promise<RunningScenario> {
  return orSkip(ctx, startScenario(scenarioOf(id), { node }));
}
