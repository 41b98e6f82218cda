import type { CloseWaitCause, RuleId, Setup, TcpState } from '@lastack/core';

/** A fault, or its cure, as the kernel shows it: what is started, and what must be seen then. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** What it teaches, in a sentence or two. */
  readonly shows: string;
  /** What to look at while it runs, as `--keep` lets it. */
  readonly lookAt: string;
  /** Started one after the other, each when the one before has said `ready`. */
  readonly programs: readonly LabProgram[];
  readonly expect: Expectation;
  /** Settings of its network namespace, by their dotted names; it cannot run without one of its own. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** How long to wait for what is expected, ms; 20 s unless given. */
  readonly patienceMs?: number;
  /** How long the doctor must have nothing to say, ms; 4 s unless given. */
  readonly quietMs?: number;
  /** The doctor's evidence for it comes through BPF only; where that is not permitted it cannot be judged. */
  readonly needsBpf?: boolean;
  /** Takes more than a minute: runs only if asked for. */
  readonly isLong?: boolean;
}

export interface LabProgram {
  readonly role: string;
  /** A file of `programs/lab`, or of the built program where it ends in `.cjs`. */
  readonly file: string;
  /** `PORT` stands for the scenario's port, `PORT1` for the one after it. */
  readonly args: readonly string[];
  /** Lines of sh(1) before the program, which takes the shell's place. */
  readonly shell?: string;
}

/** The two ends of the connections to the scenario's port. */
export type Side = 'client' | 'server';

export interface Expectation {
  /** The programs as the model knows them: what states each side must go through. */
  readonly model?: Pick<Setup, 'client' | 'server' | 'path' | 'refuses'>;
  /** The states of a side, where the model has no such network or program; `null` where they are not looked at. */
  readonly states?: Partial<Record<Side, readonly TcpState[] | null>>;
  /** What the doctor must find, and nothing else; none: it must be silent. */
  readonly findings: readonly ExpectedFinding[];
  /** What else the doctor may say of the peers, which are on the same host here. */
  readonly besides?: readonly RuleId[];
  /** Lines that a program must write. */
  readonly says?: readonly { readonly role: string; readonly line: string | RegExp }[];
  /** This side is in TIME-WAIT, and its timer runs down from 60 s; `gone`: until it is no more. */
  readonly timeWait?: { readonly side: Side; readonly until: 'counting' | 'gone' };
}

export interface ExpectedFinding {
  readonly rule: RuleId;
  readonly cause?: CloseWaitCause;
  /** The program that must be named as the holder. */
  readonly holder?: string;
}
