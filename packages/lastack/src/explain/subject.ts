import type { Fix, FixStep, RuleId, TcpState } from '@lastack/core';
import type { Simulation } from './simulation.ts';

/** One paragraph of Markdown: `code`, **bold**, *emphasis*, [text](page.md). */
export type Prose = string;

/** A paragraph, a list or a table. */
export type Block =
  | Prose
  | { readonly list: readonly Prose[] }
  | { readonly head: readonly Prose[]; readonly rows: readonly (readonly Prose[])[] };

/** What many believe, and what is so. */
export interface Myth {
  /** As people say it, with its quotation marks. */
  readonly claim: Prose;
  readonly truth: Prose;
}

/** How it is done in one language: a remark, code, and what is left to say. */
export interface Sample {
  readonly language: FixStep['language'] | 'C';
  readonly note?: Prose;
  readonly code?: string;
  readonly after?: Prose;
}

interface Explanation {
  /** One line, without a full stop. */
  readonly title: string;
  readonly meaning: readonly Block[];
  readonly normal: readonly Block[];
  /** Shell commands with their comments. */
  readonly see: string;
  readonly myths: readonly Myth[];
}

/** One of RFC 9293's states. How one gets in and out is not told here: the table of transitions says it. */
export interface StateSubject extends Explanation {
  readonly kind: 'state';
  readonly id: TcpState;
  /** As ss and netstat write it. */
  readonly alsoCalled: readonly string[];
  /** For how long, on Linux. */
  readonly lasts: Prose;
  /** When it is a fault. */
  readonly fault: readonly Block[];
  /** What the doctor reports about sockets in this state. */
  readonly findings: readonly RuleId[];
  /** What to do where it is a fault, as the doctor says it; null where it never is one. */
  readonly fix: Fix | null;
  readonly simulation: Simulation;
}

/** One finding of the doctor. */
export interface FindingSubject extends Explanation {
  readonly kind: 'finding';
  readonly id: RuleId;
  /** When the doctor reports it. */
  readonly reported: readonly Block[];
  readonly causes: readonly Block[];
  readonly seeAlso: readonly Block[];
  readonly fix: {
    /** What the doctor says. */
    readonly advice: Fix;
    readonly first: readonly Block[];
    readonly samples: readonly Sample[];
  };
  readonly limits: readonly Block[];
  /** Null where nothing of it happens between two ends of a connection. */
  readonly simulation: Simulation | null;
}

export type Subject = StateSubject | FindingSubject;
