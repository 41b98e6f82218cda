import { seen, unavailable, type Observation, type TraceRecord } from '@lastack/core';
import { attachProgram } from '../kernel/bpf.ts';
import { readBtf } from '../kernel/btf-cache.ts';
import { mapCounter } from '../kernel/bpf-counter.ts';
import type { Libc } from '../kernel/ffi.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import { createRingBuffer } from '../kernel/ring-buffer.ts';
import {
  assembleStateChange,
  STATE_CHANGE,
  STATE_CHANGE_BTF,
} from '../kernel/state-changes-program.ts';
import type { TraceSource } from './trace-source.ts';

/** Room for some 70,000 records: a quarter of a second at 250,000 changes a second. */
const RING_BYTES = 1 << 23;
const EPERM = 1;
const HIGH_WORD = 2 ** 32;

/**
 * Traces by a BPF program at the tracepoint inet_sock_set_state. The kernel removes it with the process, however that ends.
 * Needs root or CAP_BPF + CAP_PERFMON, and Linux 5.11.
 */
export function openBpfSource(libc: Libc): Observation<TraceSource> {
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
    const ring = keep(createRingBuffer(libc, RING_BYTES));
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
    const decode = createDecoder();
    return seen({
      method: 'BPF',
      limits: null,
      poll: (record) => void ring.read((words, at) => record(decode(words, at))),
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

/** enum sock_flags: the peer's FIN has been taken (tcp_fin()). */
const SOCK_DONE = 1 << 1;
/** No program holds the socket. */
const SOCK_DEAD = 1 << 0;

function createDecoder(): (words: Uint32Array, at: number) => TraceRecord {
  // ktime_get() is CLOCK_MONOTONIC, which process.hrtime reads too.
  const bootMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  const commands = new Map<number, { pid: number; text: string }>();
  const record: TraceRecord = {
    finReceived: false,
    orphaned: false,
    atMs: 0,
    socket: 0,
    netns: 0,
    from: 0,
    to: 0,
    family: 0,
    localPort: 0,
    remotePort: 0,
    addresses: new Uint32Array(8),
    at: 0,
    error: 0,
    pid: 0,
    command: '',
    acked: 0,
    received: 0,
  };
  return (words, at) => {
    const states = words[at + STATE_CHANGE.states];
    const ports = words[at + STATE_CHANGE.ports];
    const flags = words[at + STATE_CHANGE.flags];
    record.finReceived = (flags & SOCK_DONE) !== 0;
    record.orphaned = (flags & SOCK_DEAD) !== 0;
    const low = words[at + STATE_CHANGE.timeLow];
    record.atMs = bootMs + (words[at + STATE_CHANGE.timeHigh] * HIGH_WORD + low) / 1e6;
    record.socket =
      words[at + STATE_CHANGE.cookieHigh] * HIGH_WORD + words[at + STATE_CHANGE.cookieLow];
    record.netns = words[at + STATE_CHANGE.netns];
    record.from = states & 0xff;
    record.to = (states >>> 8) & 0xff;
    record.family = states >>> 16;
    record.localPort = ports & 0xffff;
    record.remotePort = ((ports >>> 8) & 0xff00) | (ports >>> 24);
    record.pid = words[at + STATE_CHANGE.pid];
    record.command = commandOf(commands, words, at);
    record.addresses = words;
    record.at = at + STATE_CHANGE.source;
    record.error = words[at + STATE_CHANGE.error];
    record.acked = words[at + STATE_CHANGE.acked + 1] * HIGH_WORD + words[at + STATE_CHANGE.acked];
    record.received =
      words[at + STATE_CHANGE.received + 1] * HIGH_WORD + words[at + STATE_CHANGE.received];
    return record;
  };
}

/** `comm` as text, decoded once for the same sixteen bytes of the same process. */
function commandOf(
  commands: Map<number, { pid: number; text: string }>,
  words: Uint32Array,
  at: number,
): string {
  const from = at + STATE_CHANGE.command;
  const hash =
    (words[from] ^ Math.imul(words[from + 1], 31) ^ Math.imul(words[from + 2], 961)) >>> 0;
  const pid = words[at + STATE_CHANGE.pid];
  const known = commands.get(hash);
  if (known !== undefined && known.pid === pid) return known.text;
  const bytes = Buffer.from(words.buffer, words.byteOffset + from * 4, 16);
  const end = bytes.indexOf(0);
  const text = bytes.toString('utf8', 0, end === -1 ? 16 : end);
  if (commands.size > 10_000) commands.clear();
  commands.set(hash, { pid, text });
  return text;
}
