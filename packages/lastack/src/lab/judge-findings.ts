import { diagnose, localPortOf, remotePortOf, type Evidence, type Finding } from '@lastack/core';
import type { DoctorResult } from './result.ts';
import type { Stage } from './run-scenario.ts';
import type { ExpectedFinding } from './scenario.ts';

/** Compares what the doctor finds with what it must find: nothing more and nothing less. */
export function judgeFindings(evidence: Evidence, stage: Stage): DoctorResult {
  const { expect } = stage.scenario;
  const findings = diagnose(evidence).findings.filter((finding) =>
    concerns(finding, evidence, stage),
  );
  const isExpected = (finding: Finding) =>
    expect.findings.some((expected) => matches(finding, expected, stage));
  const others = findings.filter(
    (finding) => !isExpected(finding) && expect.besides?.includes(finding.rule) !== true,
  );
  const missing = expect.findings.filter(
    (expected) => !findings.some((finding) => matches(finding, expected, stage)),
  );
  return {
    expected: expect.findings.map(textOf),
    found: findings.map(({ rule, cause, title }) => ({ rule, cause, title })),
    agrees: others.length === 0 && missing.length === 0,
  };
}

/** On the host's own network, findings about other programs are none of ours. */
function concerns({ owners, rows }: Finding, evidence: Evidence, stage: Stage): boolean {
  if (stage.network === 'namespace') return true;
  if (owners.some(({ pid }) => stage.programs.some((program) => program.pid === pid))) return true;
  if (evidence.sockets.kind === 'unavailable') return false;
  const table = evidence.sockets.value.last;
  return rows.some((row) =>
    [localPortOf(table, row), remotePortOf(table, row)].some(
      (port) => port === stage.port || port === stage.port + 1,
    ),
  );
}

function matches(finding: Finding, expected: ExpectedFinding, { programs }: Stage): boolean {
  if (finding.rule !== expected.rule) return false;
  if (expected.cause !== undefined && finding.cause !== expected.cause) return false;
  if (expected.holder === undefined) return true;
  const holder = programs.find(({ role }) => role === expected.holder);
  return finding.owners.some(({ pid }) => pid === holder?.pid);
}

function textOf({ rule, cause, holder }: ExpectedFinding): string {
  const why = cause === undefined ? '' : ` (${cause})`;
  return `${rule}${why}${holder === undefined ? '' : ` of the ${holder}`}`;
}
