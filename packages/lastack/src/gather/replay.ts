import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import type { Evidence } from '@lastack/core';
import { RECORD_FORMAT } from './record.ts';
import { RecordSchema } from './record-schema.ts';

/** A record that cannot be used: which file, and what to do. */
export class ReplayError extends Error {}

/**
 * Reads what `lastack record` wrote, on whatever machine. Every value is checked: a file may come from anyone.
 * @throws {ReplayError}
 */
export function readRecord(path: string): Evidence {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    throw new ReplayError(
      `Cannot read ${path}: ${reasonOf(error)}. Make one with: lastack record FILE`,
    );
  }
  return parseRecord(file, path);
}

/** @param name of the file, for messages */
export function parseRecord(file: Uint8Array, name: string): Evidence {
  let content: unknown;
  try {
    content = JSON.parse(gunzipSync(file).toString('utf8'));
  } catch (error) {
    throw new ReplayError(
      `${name} is no record of lastack, or a cut off one (${reasonOf(error)}). Make one with: lastack record FILE`,
    );
  }
  const header = v.safeParse(v.object({ format: v.string() }), content);
  if (header.success && header.output.format !== RECORD_FORMAT) {
    throw new ReplayError(
      `${name} has the format ${header.output.format.slice(0, 40)}, this lastack reads ${RECORD_FORMAT}. Use the version that wrote it.`,
    );
  }
  const parsed = v.safeParse(RecordSchema, content);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new ReplayError(
      `${name} is broken: ${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}. Record it again with: lastack record FILE`,
    );
  }
  return parsed.output.evidence;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.split('\n')[0] : String(error);
}
