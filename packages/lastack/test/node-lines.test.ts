import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Location } from '@lastack/core';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';
import { NamespaceUnavailable } from './kit/netns.ts';
import { startScenario } from './kit/scenario.ts';
import { scenarioOf } from './scenarios.ts';

/** The line that keeps the sockets, by scenario. */
const HELD = {
  'node-half-open': 'const connections = new Map();',
  'node-paused': 'const waiting = [];',
};

describe('doctor --attach names the lines of a program in Node, which goes on as before', () => {
  for (const [id, held] of Object.entries(HELD)) {
    test(`of ${id}`, async (ctx) => {
      const running = await startScenario(scenarioOf(id)).catch((error: unknown) => {
        if (error instanceof NamespaceUnavailable) ctx.skip(error.message);
        throw error;
      });
      await using scenario = running;
      const [pid] = scenario.holders;
      const locations = await until(
        async () => {
          const { stdout } = await runLastack(['doctor', '--json', '--attach', '--for', '1s'], {
            namespace: scenario.namespace,
          });
          const { findings } = JSON.parse(stdout);
          return (findings[0]?.locations as Location[] | undefined) ?? null;
        },
        'a finding with locations',
        { withinMs: 40_000 },
      );
      const texts = locations.map(({ role, ...location }) => `${role}: ${sourceOf(location)}`);
      expect(texts).toContain(`held: ${held}`);
      expect(texts.join('\n')).toMatch(/^handled: .*createServer\(/m);
      expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/^\d+ \(node/);
      const { stdout } = await scenario.namespace.run('ss', ['-tlnH', 'sport', '=', ':9229']);
      expect(stdout).toBe('');
    });
  }
});

function sourceOf({ file, line }: Pick<Location, 'file' | 'line'>): string {
  const path = fileURLToPath(new URL(`programs/${basename(file)}`, import.meta.url));
  return readFileSync(path, 'utf8').split('\n')[line - 1].trim();
}
