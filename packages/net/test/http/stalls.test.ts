import { describe, expect, test } from 'vitest';

import { TimeoutError } from '../../src/index.ts';
import { CLIENTS } from './clients.ts';
import { exchange, SITUATIONS } from './situations.ts';

const BUDGET_MS = 200;

describe.each(Object.entries(SITUATIONS))('%s', (_, situation) => {
  test.concurrent.each(Object.entries(CLIENTS))('ends %s at its limit', async (_, client) => {
    const { error, elapsedMs } = await exchange(client, situation, BUDGET_MS);
    expect(elapsedMs).toBeGreaterThanOrEqual(BUDGET_MS);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ phase: situation.phase, timeoutMs: BUDGET_MS });
    expect((error as TimeoutError).elapsedMs).toBeGreaterThanOrEqual(BUDGET_MS);
  });
});
