import type { Diagnosis, Evidence, Finding } from '@lastack/core';

export const DOCTOR_SCHEMA = 'lastack.doctor/1';

/** What `doctor --json` prints; docs/doctor.schema.json describes it. */
export function diagnosisJson(
  { findings, unknown }: Diagnosis,
  { host, kernel, at, windowMs }: Evidence,
): object {
  return {
    schema: DOCTOR_SCHEMA,
    host,
    kernel,
    at: new Date(at).toISOString(),
    windowMs,
    complete: unknown.length === 0,
    findings: findings.map(findingJson),
    unknown,
  };
}

function findingJson(finding: Finding): object {
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
    locations: [],
    growth,
    forecast: forecast === null ? null : { ...forecast, at: new Date(forecast.at).toISOString() },
    fix,
  };
}
