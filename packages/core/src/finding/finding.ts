import type { Runtime } from '../evidence/process-facts.ts';

export const RULE_IDS = [
  'close-wait-leak',
  'accept-backlog-stalled',
  'inherited-socket',
  'fin-wait-2-held',
  'dead-descriptor',
  'fd-limit-near',
  'port-exhaustion',
  'time-wait-overflow',
  'listen-overflow',
  'connect-hanging',
  'read-hanging',
  'send-stuck',
  'peer-vanished',
  'orphan-pressure',
  'obsolete-sysctl',
  'zombie-children',
] as const;

export type RuleId = (typeof RULE_IDS)[number];

/** `warning`: it is wrong, but can go on like this for long. `critical`: act now, or it will take the service down. */
export type Severity = 'warning' | 'critical';

/** Why a program leaves a socket in CLOSE-WAIT. */
export type CloseWaitCause =
  | 'spinning'
  | 'not-reading'
  | 'eof-ignored'
  | 'data-abandoned'
  | 'blocked-elsewhere'
  | 'not-watched'
  | 'close-skipped'
  | 'unknown';

/** What follows from the evidence: one fault of one program, or of the host. */
export interface Finding {
  readonly rule: RuleId;
  readonly severity: Severity;
  /** One sentence with the numbers in it. */
  readonly title: string;
  /** What the evidence says about the cause, in a sentence or two. */
  readonly why: string;
  readonly cause: CloseWaitCause | null;
  /** How many sockets (of `zombie-children`: processes) are affected. */
  readonly sockets: number;
  /** How long the oldest has been in this state; null when nothing tells. */
  readonly oldest: Since | null;
  readonly owners: readonly FindingOwner[];
  /** The busiest first. */
  readonly peers: readonly PeerCount[];
  readonly growth: Growth | null;
  readonly forecast: Forecast | null;
  readonly fix: Fix;
  /** Rows of the last socket table that the finding speaks of. */
  readonly rows: readonly number[];
}

/** A lower bound with its confidence: `=` measured, `≥` at least, `≈` from a timer. */
export interface Since {
  readonly ms: number;
  readonly confidence: '=' | '≥' | '≈';
}

export interface FindingOwner {
  readonly pid: number;
  readonly command: string;
  readonly container: string | null;
  readonly runtime: Runtime;
  readonly fds: readonly number[];
}

export interface PeerCount {
  /** `10.0.3.7:6379`; the port only where it is the service's, not the client's. */
  readonly peer: string;
  readonly count: number;
}

export interface Growth {
  readonly perMinute: number;
  /** `observed`: counted over the window. `ages`: how many of those here entered the state in the last minute. */
  readonly basis: 'observed' | 'ages';
  readonly windowMs: number;
}

/** Until when it can go on. */
export interface Forecast {
  /** `65536 descriptors` */
  readonly limit: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly perMinute: number;
}

export interface Fix {
  readonly summary: string;
  readonly steps: readonly FixStep[];
  /** Path of the page in the project's documentation: `docs/close-wait-leak.md`. */
  readonly docs: string;
}

export interface FixStep {
  readonly language: 'Node' | 'Python' | 'Go' | 'Java' | 'host';
  readonly text: string;
}

/** What a rule could not judge, and how to let it. */
export interface UnknownFinding {
  readonly rule: RuleId;
  readonly reason: string;
  readonly remedy: string;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly unknown: readonly UnknownFinding[];
}
