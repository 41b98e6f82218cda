import type { RunResult } from './run-command.ts';
import type { RunFinding } from './run-report.ts';

const RUN_SCHEMA = 'lastack.run/1';

/** What `run --json` prints; docs/run.schema.json describes it. */
export function runJson(
  command: readonly string[],
  { status, signal, durationMs, looks, notes }: RunResult,
  findings: readonly RunFinding[],
): object {
  return {
    schema: RUN_SCHEMA,
    command,
    status,
    signal,
    durationMs,
    looks,
    findings: findings.map(({ created, ...finding }) => ({
      ...finding,
      locations: created === null ? [] : [created],
    })),
    notes,
  };
}
