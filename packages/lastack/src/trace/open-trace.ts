import type { Observation } from '@lastack/core';
import { loadLibc } from '../kernel/ffi.ts';
import { openBpfSource } from './bpf-source.ts';
import { openDestroySource } from './destroy-source.ts';
import { openTracefsSource } from './tracefs-source.ts';
import type { TraceMethod, TraceSource } from './trace-source.ts';

export interface OpenedTrace {
  readonly source: TraceSource;
  /** The better ways that could not be had, and why. */
  readonly refused: readonly {
    readonly method: TraceMethod;
    readonly reason: string;
    readonly remedy: string;
  }[];
}

const WAYS = [
  ['BPF', openBpfSource],
  ['tracefs', openTracefsSource],
  ['destroy multicast', openDestroySource],
] as const;

/** Opens the best source that this user and kernel allow, or the one that is asked for. */
export function openTrace(only?: TraceMethod): Observation<OpenedTrace> {
  const libc = loadLibc();
  if (libc.kind === 'unavailable') return libc;
  const refused: OpenedTrace['refused'][number][] = [];
  let last: Observation<OpenedTrace> = {
    kind: 'unavailable',
    reason: 'there is no way to trace',
    remedy: 'run as root',
  };
  for (const [method, open] of WAYS) {
    if (only !== undefined && method !== only) continue;
    const source = open(libc.value);
    if (source.kind === 'ok') return { kind: 'ok', value: { source: source.value, refused } };
    refused.push({ method, reason: source.reason, remedy: source.remedy });
    last = source;
  }
  return last;
}
