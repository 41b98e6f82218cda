import type { Evidence } from '../evidence/evidence.ts';
import type { Finding, RuleId, UnknownFinding } from '../finding/finding.ts';
import type { OwnerIndex } from '../socket/owner-index.ts';

/** The parts of the evidence that can be missing, and what a rule gets of each. */
export interface Parts {
  readonly sockets: Value<Evidence['sockets']>;
  readonly owners: OwnerIndex;
  readonly processes: Value<Evidence['processes']>;
  readonly counters: Value<Evidence['counters']>;
  readonly settings: Value<Evidence['settings']>;
}

export type PartName = keyof Parts;

/** What every rule may know: which host, when, how long it was watched. */
export type Occasion = Pick<Evidence, 'host' | 'kernel' | 'at' | 'windowMs' | 'firstOwners'>;

/**
 * One failing state. Pure: the same evidence gives the same findings. A rule whose `needs` were not all seen does not run
 * and its judgement is "unknown"; what it merely `uses` it gets as null when it was not seen.
 */
export interface Rule<Need extends PartName = PartName, Use extends PartName = PartName> {
  readonly id: RuleId;
  readonly needs: readonly Need[];
  readonly uses: readonly Use[];
  find(seen: Seen<Need, Use>, occasion: Occasion): Finding[];
  /** What cannot be judged from this evidence, though all that the rule needs was seen. */
  blindSpots?(seen: Seen<Need, Use>, occasion: Occasion): readonly BlindSpot[];
}

export type Seen<Need extends PartName, Use extends PartName> = Pick<Parts, Need> & {
  readonly [Name in Use]: Parts[Name] | null;
};

export type BlindSpot = Pick<UnknownFinding, 'reason' | 'remedy'>;

type Value<Seen extends { kind: string }> = Extract<Seen, { kind: 'ok'; value: unknown }>['value'];

/** Ties the types of a rule's needs to what its function gets. */
export function defineRule<const Need extends PartName, const Use extends PartName = never>(
  rule: Rule<Need, Use>,
): Rule {
  // Sound: diagnose() passes exactly what the rule lists.
  return rule;
}
