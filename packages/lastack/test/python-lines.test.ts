import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, type TestContext } from 'vitest';
import type { SocketLocation } from '../src/locate/locator.ts';
import { locatePython } from '../src/locate/python/locate-python.ts';
import { until } from './kit/condition.ts';
import { NamespaceUnavailable } from './kit/netns.ts';
import { startScenario, type RunningScenario } from './kit/scenario.ts';
import { PYTHON_LINES, type ExpectedLine } from './python-lines.ts';
import { scenarioOf } from './scenarios.ts';

describe.concurrent('the lines of a program in Python are named', () => {
  for (const [id, expected] of Object.entries(PYTHON_LINES)) {
    test(`of ${id}`, async (ctx) => {
      await using running = await startOrSkip(ctx, id);
      let last: readonly SocketLocation[] = [];
      const found = await until(
        async () => {
          last = await locate(running);
          return expected.every((line) => last.some((each) => isAt(each, line)));
        },
        () => `${JSON.stringify(expected, null, 1)}; there is ${JSON.stringify(last, null, 1)}`,
      );
      expect(found).toBe(true);
    });
  }
});

/** What is said of the sockets at fault in all their holders. */
async function locate({ holders, sockets }: RunningScenario): Promise<SocketLocation[]> {
  const wanted = new Set(sockets.map(({ inode }) => `socket:[${inode}]`));
  const found = await Promise.all(
    holders.map((pid) => locatePython({ pid, fds: descriptorsOf(pid, wanted) })),
  );
  return found.flatMap((each) => (each.kind === 'ok' ? each.value.locations : []));
}

function descriptorsOf(pid: number, links: ReadonlySet<string>): number[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder)
    .filter((fd) => {
      try {
        return links.has(readlinkSync(`${folder}/${fd}`));
      } catch {
        return false;
      }
    })
    .map(Number);
}

function isAt(location: SocketLocation, expected: ExpectedLine): boolean {
  if (location.role !== expected.role || basename(location.file) !== expected.file) return false;
  const path = fileURLToPath(new URL(`programs/${expected.file}`, import.meta.url));
  const text = readFileSync(path, 'utf8').split('\n')[location.line - 1]?.trim();
  const name = location.name?.replaceAll(/\[\d+\]/g, '[N]');
  return (
    [expected.text].flat().includes(text ?? '') &&
    // Qualified from 3.11 on only.
    [expected.function, expected.function.split('.').at(-1)].includes(location.function) &&
    name === expected.name
  );
}

async function startOrSkip(ctx: TestContext, id: string): Promise<RunningScenario> {
  try {
    return await startScenario(scenarioOf(id));
  } catch (error) {
    if (error instanceof NamespaceUnavailable) ctx.skip(error.message);
    throw error;
  }
}
