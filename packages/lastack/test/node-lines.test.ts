import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Location } from '@lastack/core';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';
import { orSkip } from './kit/or-skip.ts';
import { childrenOf } from './kit/procfs.ts';
import { startProgram } from './kit/program.ts';
import { startScenario, type RunningScenario } from './kit/scenario.ts';
import { scenarioOf } from './scenarios.ts';

const SERVER = /^handled: .*createServer\(/m;

/** Lines that must be told, by scenario: the role and the text. */
const LINES: Readonly<Record<string, readonly RegExp[]>> = {
  'node-half-open': [/^held: const connections = new Map\(\);$/m, SERVER],
  'node-paused': [/^held: const waiting = \[\];$/m, SERVER],
  'node-exception-swallowed': [
    /^held: const sessions = new Set\(\);$/m,
    /^handled: socket\.on\('data', async \(data\) => \{$/m,
  ],
  'node-upload-unread': [/^held: const uploads = new Map\(\);$/m, SERVER],
  'node-answers-unread': [/^held: const agent = new Agent\(/m],
  // Any line of the loop.
  'node-spinning': [
    /^executing: (?:while \(position >= 0\) \{|count \+= 1;|position = text\.indexOf\('\\n', isHealthy \? position \+ 1 : position\);)$/m,
    /^handled: socket\.on\('data', \(data\) => /m,
  ],
};

describe('doctor --attach names the lines of a program in Node, which goes on as before', () => {
  for (const [id, lines] of Object.entries(LINES)) {
    test(`of ${id}`, async (ctx) => {
      await using scenario = await orSkip(ctx, startScenario(scenarioOf(id)));
      const { locations } = await findingOf(scenario, (finding) => finding.locations.length > 0);
      const texts = locations.map(({ role, ...location }) => `${role}: ${sourceOf(location)}`);
      for (const line of lines) expect(texts.join('\n')).toMatch(line);
      await expectUndisturbed(scenario);
    });
  }
});

test('doctor --attach says why it leaves a program in Node alone that waits for a child', async (ctx) => {
  await using scenario = await orSkip(ctx, startScenario(scenarioOf('node-waits-for-child')));
  const { notes } = await findingOf(scenario, (finding) => finding.notes.length > 0);
  expect(notes.join('\n')).toMatch(/is stuck \(epoll_\w+ of a synchronous call/);
  const [pid] = scenario.holders;
  const [child] = childrenOf(pid);
  process.kill(child, 'SIGKILL');
  // A signal that was sent all the same would open the inspector now.
  await until(() => childrenOf(pid).length === 0, 'the end of the child');
  await expectUndisturbed(scenario);
});

interface Finding {
  readonly rule: string;
  readonly locations: readonly Location[];
  readonly notes: readonly string[];
}

async function findingOf(
  { namespace }: RunningScenario,
  isEnough: (finding: Finding) => boolean,
): Promise<Finding> {
  let last = '';
  return until(
    async () => {
      const args = ['doctor', '--json', '--attach', '--for', '1s'];
      last = (await runLastack(args, { namespace })).stdout;
      const { findings } = JSON.parse(last) as { readonly findings: readonly Finding[] };
      const found = findings.find(({ rule }) => rule === 'close-wait-leak');
      return found !== undefined && isEnough(found) ? found : null;
    },
    () => `a finding that is complete; the doctor said ${last}`,
    { withinMs: 40_000 },
  );
}

/** It lives, and its inspector is closed. */
async function expectUndisturbed({ holders, namespace }: RunningScenario): Promise<void> {
  expect(readFileSync(`/proc/${holders[0]}/stat`, 'utf8')).toMatch(/^\d+ \(node/);
  const { stdout } = await namespace.run('ss', ['-tlnH', 'sport', '=', ':9229']);
  expect(stdout).toBe('');
}

function sourceOf({ file, line }: Pick<Location, 'file' | 'line'>): string {
  const path = fileURLToPath(new URL(`programs/${basename(file)}`, import.meta.url));
  return readFileSync(path, 'utf8').split('\n')[line - 1].trim();
}

test('doctor --pid --attach leaves other programs alone', async (ctx) => {
  await using scenario = await orSkip(ctx, startScenario(scenarioOf('node-paused')));
  const { namespace } = scenario;
  const port = 9900;
  const other = await startProgram(namespace, 'node-paused.mjs', [port]);
  await startProgram(namespace, 'leave.py', ['127.0.0.1', port, 3, 6]);
  const pid = scenario.holders[0];
  const args = ['doctor', '--json', '--attach', '--pid', String(pid), '--for', '1s'];
  const stdout = await until(
    async () => {
      const output = await runLastack(args, { namespace });
      return output.stdout.includes(`process ${pid} has written lines`) ? output.stdout : null;
    },
    `the lines of process ${pid}`,
    { withinMs: 40_000 },
  );
  expect(stdout).not.toContain(`process ${other.pid}`);
});
