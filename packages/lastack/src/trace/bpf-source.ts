import { seen, unavailable, type Observation } from '@lastack/core';
import { attachProgram } from '../kernel/bpf.ts';
import { readBtf } from '../kernel/btf-cache.ts';
import { mapCounter } from '../kernel/bpf-counter.ts';
import type { Libc } from '../kernel/ffi.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import { createRingBuffer } from '../kernel/ring-buffer.ts';
import { assembleStateChange, STATE_CHANGE_BTF } from '../kernel/state-changes-program.ts';
import { BpfRecord } from './bpf-record.ts';
import type { TraceSource } from './trace-source.ts';

/** Room for 130,000 records: half a second at 250,000 changes a second. */
const RING_BYTES = 1 << 24;
const EPERM = 1;

/**
 * Traces by a BPF program at the tracepoint inet_sock_set_state. The kernel removes it with the process, however that ends.
 * Needs root or CAP_BPF + CAP_PERFMON, and Linux 5.11.
 *
 * @param ringBytes room for records that wait to be read: a power of two, at least a page
 */
export function openBpfSource(libc: Libc, ringBytes = RING_BYTES): Observation<TraceSource> {
  const btf = readBtf('state-changes', STATE_CHANGE_BTF);
  if (btf.kind === 'unavailable') return btf;
  const open: Disposable[] = [];
  const keep = <Kept extends Disposable>(kept: Kept): Kept => {
    open.unshift(kept);
    return kept;
  };
  const close = () => {
    for (const kept of open.splice(0)) kept[Symbol.dispose]();
  };
  try {
    const ring = keep(createRingBuffer(libc, ringBytes));
    const lost = keep(mapCounter(libc));
    const maps = { ringBuffer: ring.fd, lost: lost.fd };
    const { functions } = btf.value;
    keep(
      attachProgram(libc, {
        name: 'lastack_trace',
        at: 'tracepoint',
        code: assembleStateChange(btf.value, maps),
        target: functions['btf_trace_inet_sock_set_state'],
      }),
    );
    // ktime_get() is CLOCK_MONOTONIC, which process.hrtime reads too.
    const decoded = new BpfRecord(Date.now() - Number(process.hrtime.bigint()) / 1e6);
    return seen({
      method: 'BPF',
      limits: null,
      knowsNetns: true,
      hasCookies: true,
      poll: (record) =>
        ring.read((words, at) => {
          decoded.moveTo(words, at);
          record(decoded);
        }),
      lost: () => lost.read(),
      [Symbol.dispose]: close,
    });
  } catch (error) {
    close();
    if (!(error instanceof KernelError || error instanceof RangeError)) throw error;
    return error instanceof KernelError && error.errno === EPERM
      ? unavailable('BPF is not permitted', 'run as root or with CAP_BPF and CAP_PERFMON')
      : unavailable(`BPF was refused (${error.message})`, 'use a Linux kernel from 5.11 on');
  }
}
