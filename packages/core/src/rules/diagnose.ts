import type { Evidence } from '../evidence/evidence.ts';
import type { Unavailable } from '../evidence/observation.ts';
import type { Diagnosis, Finding, UnknownFinding } from '../finding/finding.ts';
import { indexOwners } from '../socket/owner-index.ts';
import { RULES } from './all.ts';
import type { PartName, Parts, Rule } from './rule.ts';

/** Runs every rule on the evidence; the gravest finding comes first. */
export function diagnose(evidence: Evidence, rules: readonly Rule[] = RULES): Diagnosis {
  const findings: Finding[] = [];
  const unknown: UnknownFinding[] = [];
  const parts = seenParts(evidence);
  for (const rule of rules) {
    const missing = rule.needs.map((need) => parts[need]).find(isUnavailable);
    if (missing !== undefined) {
      unknown.push({ rule: rule.id, reason: missing.reason, remedy: missing.remedy });
      continue;
    }
    const seen = Object.fromEntries(
      [...rule.needs, ...rule.uses].map((name) => {
        const part = parts[name];
        return [name, isUnavailable(part) ? null : part];
      }),
    ) as unknown as Parts;
    findings.push(...rule.find(seen, evidence));
    for (const spot of rule.blindSpots?.(seen, evidence) ?? []) {
      unknown.push({ rule: rule.id, ...spot });
    }
  }
  findings.sort(byGravity);
  return { findings, unknown: [...unknown, ...blindSpots(evidence, rules)] };
}

function seenParts(evidence: Evidence): { [Name in PartName]: Parts[Name] | Unavailable } {
  const { sockets, owners, processes, counters, settings } = evidence;
  return {
    sockets: sockets.kind === 'ok' ? sockets.value : sockets,
    owners: owners.kind === 'ok' ? indexOwners(owners.value) : owners,
    processes: processes.kind === 'ok' ? processes.value : processes,
    counters: counters.kind === 'ok' ? counters.value : counters,
    settings: settings.kind === 'ok' ? settings.value : settings,
  };
}

function isUnavailable(part: unknown): part is Unavailable {
  return (part as Partial<Unavailable>).kind === 'unavailable';
}

/** What was seen only in part makes the rules that depend on it silent where it was not seen, not healthy. */
function blindSpots(evidence: Evidence, rules: readonly Rule[]): UnknownFinding[] {
  const spots: UnknownFinding[] = [];
  const add = (part: PartName, reason: string, remedy: string) => {
    for (const rule of rules)
      if (rule.needs.includes(part)) spots.push({ rule: rule.id, reason, remedy });
  };
  if (evidence.owners.kind === 'ok') {
    for (const { reason, remedy } of evidence.owners.value.unreadable)
      add('owners', reason, remedy);
  }
  if (evidence.sockets.kind === 'ok') {
    for (const { problem } of evidence.sockets.value.netns) {
      if (problem !== null) add('sockets', problem.reason, problem.remedy);
    }
  }
  return spots;
}

function byGravity(a: Finding, b: Finding): number {
  if (a.severity !== b.severity) return a.severity === 'critical' ? -1 : 1;
  return b.sockets - a.sockets;
}
