import type { TestContext } from 'vitest';
import { NamespaceUnavailable } from './netns.ts';

/**
 * Waits for something that needs a namespace; where there is none, the test is skipped and says why.
 * @example await using running = await orSkip(ctx, startScenario(scenarioOf('sleeping')));
 */
export async function orSkip<T>(ctx: TestContext, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof NamespaceUnavailable) ctx.skip(error.message);
    throw error;
  }
}
