import type { TcpState } from '@lastack/core';
import type { Side } from './scenario.ts';

/** What a scenario came to. */
export interface LabResult {
  readonly id: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or could not be run; null otherwise. */
  readonly reason: string | null;
  /** Whose network it had. */
  readonly network: 'namespace' | 'host';
  /** How the states were seen: each one by tracing, or by looking again and again. */
  readonly method: 'BPF' | 'sock_diag' | null;
  readonly sides: readonly SideResult[];
  readonly doctor: DoctorResult | null;
  readonly facts: readonly FactResult[];
  readonly ms: number;
}

/** One end of the connections: the states that the model goes through, and those of the kernel. */
export interface SideResult {
  readonly side: Side;
  readonly expected: readonly TcpState[];
  /** From the simulator, or written down where it has no such network. */
  readonly source: 'model' | 'scenario';
  readonly observed: readonly ObservedPath[];
  readonly agrees: boolean;
}

/** Connections that went through the same states. */
export interface ObservedPath {
  readonly count: number;
  /** Of the first of them; `atMs` counts from the start of the programs. */
  readonly states: readonly { readonly state: TcpState; readonly atMs: number }[];
}

export interface DoctorResult {
  /** `close-wait-leak (spinning) of server`; empty: silence. */
  readonly expected: readonly string[];
  readonly found: readonly {
    readonly rule: string;
    readonly cause: string | null;
    readonly title: string;
  }[];
  readonly agrees: boolean;
}

/** Anything else that was to be seen. */
export interface FactResult {
  readonly what: string;
  readonly observed: string;
  readonly agrees: boolean;
}
