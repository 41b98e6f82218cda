import { diagnose, seen, type Diagnosis, type Evidence } from '@lastack/core';

/** What the rules say of one process. */
export function diagnoseProcess(evidence: Evidence, pid: number): Diagnosis {
  const { findings, unknown } = diagnose(focusOn(evidence, pid));
  return {
    findings: findings.filter(({ owners }) => owners.some((owner) => owner.pid === pid)),
    unknown,
  };
}

/** When the descriptors of this process were read, it does not matter that those of others could not be. */
function focusOn(evidence: Evidence, pid: number): Evidence {
  const { owners } = evidence;
  if (owners.kind === 'unavailable' || !owners.value.pid.includes(pid)) return evidence;
  return { ...evidence, owners: seen({ ...owners.value, unreadable: [] }) };
}
