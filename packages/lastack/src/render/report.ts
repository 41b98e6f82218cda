import type { Diagnosis, Evidence, Finding, Whereabouts } from '@lastack/core';

/** What the doctor has to say: what was seen, what follows, and which lines of code it comes from. */
export interface Report {
  readonly evidence: Evidence;
  readonly diagnosis: Diagnosis;
  /** Findings whose lines were not looked for are missing. */
  readonly whereabouts: ReadonlyMap<Finding, Whereabouts>;
}
