import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { SocketLocation } from '../src/locate/locator.ts';
import { locatePython } from '../src/locate/python/locate-python.ts';
import { until } from './kit/condition.ts';
import { orSkip } from './kit/or-skip.ts';
import { startScenario, type RunningScenario } from './kit/scenario.ts';
import { isAt, linesOf, PYTHON_LINES } from './python-lines.ts';
import { scenarioOf } from './scenarios.ts';

describe.concurrent('the lines of a program in Python are named', () => {
  for (const [id, expected] of Object.entries(PYTHON_LINES)) {
    test(`of ${id}`, async (ctx) => {
      await using running = await orSkip(ctx, startScenario(scenarioOf(id)));
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

test.each(Object.entries(PYTHON_LINES))('each line of %s is one of its program', (_, expected) => {
  for (const { file, text } of expected) {
    const lines = linesOf(file);
    for (const each of [text].flat()) {
      expect(
        lines.filter((line) => line === each),
        each,
      ).toHaveLength(1);
    }
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
