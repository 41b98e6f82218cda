import type { Finding, Whereabouts } from '@lastack/core';
import type { Report } from './report.ts';

export const DOCTOR_SCHEMA = 'lastack.doctor/1';

/** What `doctor --json` prints; docs/doctor.schema.json describes it. */
export function diagnosisJson({ evidence, diagnosis, whereabouts }: Report): object {
  const { host, kernel, at, windowMs } = evidence;
  const { findings, unknown } = diagnosis;
  return {
    schema: DOCTOR_SCHEMA,
    host,
    kernel,
    at: new Date(at).toISOString(),
    windowMs,
    complete: unknown.length === 0,
    findings: findings.map((finding) => findingJson(finding, whereabouts.get(finding))),
    unknown,
  };
}

function findingJson(finding: Finding, where: Whereabouts | undefined): object {
  const {
    rule,
    severity,
    title,
    why,
    cause,
    sockets,
    oldest,
    owners,
    peers,
    growth,
    forecast,
    fix,
  } = finding;
  return {
    rule,
    severity,
    title,
    why,
    cause,
    sockets,
    oldestMs: oldest?.ms ?? null,
    oldestConfidence: oldest?.confidence ?? null,
    owners: owners.map(({ pid, command, container, runtime, fds }) => ({
      pid,
      command,
      container,
      runtime,
      count: fds.length,
      fds,
    })),
    peers,
    locations: where?.locations ?? [],
    notes: where?.notes ?? [],
    growth,
    forecast: forecast === null ? null : { ...forecast, at: new Date(forecast.at).toISOString() },
    fix: { ...fix, steps: [...(where?.steps ?? []), ...fix.steps] },
  };
}
