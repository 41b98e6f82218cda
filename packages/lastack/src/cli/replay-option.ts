import type { Evidence } from '@lastack/core';
import { UserError } from './user-error.ts';

/** Evidence from a file; the checks of its content are loaded only when there is one to read. */
export async function readEvidence(path: string): Promise<Evidence> {
  const { ReplayError, readRecord } = await import('../gather/replay.ts');
  try {
    return readRecord(path);
  } catch (error) {
    throw error instanceof ReplayError ? new UserError(error.message) : error;
  }
}
