// Read first: include/trace/events/sock.h, TRACE_EVENT(inet_sock_set_state).
import {
  add,
  assemble,
  atomicAdd,
  call,
  exit,
  jumpIf,
  label,
  load,
  loadMap,
  move,
  set,
  store,
  type BpfStep,
} from './bpf-assembler.ts';
import type { BtfFacts, BtfWanted } from './btf.ts';

/** Helpers by their number in include/uapi/linux/bpf.h. */
const HELPER = {
  map_lookup_elem: 1,
  ktime_get_ns: 5,
  get_current_pid_tgid: 14,
  get_current_comm: 16,
  get_socket_cookie: 46,
  ringbuf_output: 130,
  skc_to_tcp_sock: 137,
} as const;

const IPPROTO_TCP = 6;
const AF_INET6 = 10;
/** BPF_RB_NO_WAKEUP: the reader looks at its own pace. */
const NO_WAKEUP = 1;

/** The words of a record. */
export const STATE_CHANGE = {
  timeLow: 0,
  timeHigh: 1,
  cookieLow: 2,
  cookieHigh: 3,
  threadId: 4,
  pid: 5,
  netns: 6,
  /** Old state, new state << 8, family << 16. */
  states: 7,
  /** `skc_num` in host order, `skc_dport` << 16 in network order. */
  ports: 8,
  error: 9,
  source: 10,
  destination: 14,
  command: 18,
  acked: 22,
  received: 24,
  /** `sk_flags`: bits of enum sock_flags, include/net/sock.h. */
  flags: 26,
  rcvNxt: 28,
  copiedSeq: 29,
} as const;
const RECORD_BYTES = 120;

export const STATE_CHANGE_BTF = {
  offsets: [
    'sock.sk_protocol',
    'sock.sk_err',
    'sock.__sk_common.skc_family',
    'sock.__sk_common.skc_num',
    'sock.__sk_common.skc_dport',
    'sock.__sk_common.skc_rcv_saddr',
    'sock.__sk_common.skc_daddr',
    'sock.__sk_common.skc_v6_rcv_saddr',
    'sock.__sk_common.skc_v6_daddr',
    'sock.__sk_common.skc_net',
    'sock.__sk_common.skc_flags',
    'net.ns.inum',
    'tcp_sock.bytes_acked',
    'tcp_sock.bytes_received',
    'tcp_sock.rcv_nxt',
    'tcp_sock.copied_seq',
  ],
  functions: ['btf_trace_inet_sock_set_state'],
} as const satisfies BtfWanted;

/** Where the programs write. */
export interface TraceMaps {
  readonly ringBuffer: number;
  /** An array of one 64-bit counter: records that found no room. */
  readonly lost: number;
}

const context = 6;
const sock = 7;
const frame = -RECORD_BYTES;

/** tp_btf/inet_sock_set_state(sk, oldstate, newstate). */
export function assembleStateChange(btf: BtfFacts, maps: TraceMaps): Uint8Array {
  return assemble([
    move(context, 1),
    load(8, sock, context, 0),
    ...onlyTcp(btf),
    ...describe(btf),
    load(8, 1, context, 8),
    store(1, 10, frame + 4 * STATE_CHANGE.states, 1),
    load(8, 1, context, 16),
    store(1, 10, frame + 4 * STATE_CHANGE.states + 1, 1),
    ...countBytes(btf),
    ...output(maps),
  ]);
}

function onlyTcp({ offsets }: BtfFacts): BpfStep[] {
  return [load(2, 2, sock, offsets['sock.sk_protocol']), jumpIf(2, '!=', IPPROTO_TCP, 'out')];
}

function clear(): BpfStep[] {
  const steps: BpfStep[] = [set(1, 0)];
  for (let at = frame; at < 0; at += 8) steps.push(store(8, 10, at, 1));
  return steps;
}

/** The moment, and who was running. */
function describeCaller(): BpfStep[] {
  return [
    call(HELPER.ktime_get_ns),
    store(8, 10, frame + 4 * STATE_CHANGE.timeLow, 0),
    call(HELPER.get_current_pid_tgid),
    store(8, 10, frame + 4 * STATE_CHANGE.threadId, 0),
    move(1, 10),
    add(1, frame + 4 * STATE_CHANGE.command),
    set(2, 16),
    call(HELPER.get_current_comm),
  ];
}

function describe({ offsets }: BtfFacts): BpfStep[] {
  const steps = [
    ...clear(),
    ...describeCaller(),
    move(1, sock),
    call(HELPER.get_socket_cookie),
    store(8, 10, frame + 4 * STATE_CHANGE.cookieLow, 0),
    load(8, 1, sock, offsets['sock.__sk_common.skc_net']),
    load(4, 1, 1, offsets['net.ns.inum']),
    store(4, 10, frame + 4 * STATE_CHANGE.netns, 1),
    load(2, 2, sock, offsets['sock.__sk_common.skc_num']),
    store(2, 10, frame + 4 * STATE_CHANGE.ports, 2),
    load(2, 2, sock, offsets['sock.__sk_common.skc_dport']),
    store(2, 10, frame + 4 * STATE_CHANGE.ports + 2, 2),
    load(4, 2, sock, offsets['sock.__sk_common.skc_flags']),
    store(4, 10, frame + 4 * STATE_CHANGE.flags, 2),
    load(4, 2, sock, offsets['sock.sk_err']),
    store(4, 10, frame + 4 * STATE_CHANGE.error, 2),
    load(2, 2, sock, offsets['sock.__sk_common.skc_family']),
    store(2, 10, frame + 4 * STATE_CHANGE.states + 2, 2),
    jumpIf(2, '==', AF_INET6, 'ipv6'),
    load(4, 2, sock, offsets['sock.__sk_common.skc_rcv_saddr']),
    store(4, 10, frame + 4 * STATE_CHANGE.source, 2),
    load(4, 2, sock, offsets['sock.__sk_common.skc_daddr']),
    store(4, 10, frame + 4 * STATE_CHANGE.destination, 2),
    jumpIf(sock, '!=', 0, 'addressed'),
    label('ipv6'),
  ];
  for (let word = 0; word < 4; word++) {
    const at = 4 * word;
    steps.push(
      load(4, 2, sock, offsets['sock.__sk_common.skc_v6_rcv_saddr'] + at),
      store(4, 10, frame + 4 * STATE_CHANGE.source + at, 2),
      load(4, 2, sock, offsets['sock.__sk_common.skc_v6_daddr'] + at),
      store(4, 10, frame + 4 * STATE_CHANGE.destination + at, 2),
    );
  }
  return [...steps, label('addressed')];
}

function countBytes({ offsets }: BtfFacts): BpfStep[] {
  return [
    move(1, sock),
    call(HELPER.skc_to_tcp_sock),
    jumpIf(0, '==', 0, 'uncounted'),
    load(8, 1, 0, offsets['tcp_sock.bytes_acked']),
    store(8, 10, frame + 4 * STATE_CHANGE.acked, 1),
    load(8, 1, 0, offsets['tcp_sock.bytes_received']),
    store(8, 10, frame + 4 * STATE_CHANGE.received, 1),
    load(4, 1, 0, offsets['tcp_sock.rcv_nxt']),
    store(4, 10, frame + 4 * STATE_CHANGE.rcvNxt, 1),
    load(4, 1, 0, offsets['tcp_sock.copied_seq']),
    store(4, 10, frame + 4 * STATE_CHANGE.copiedSeq, 1),
    label('uncounted'),
  ];
}

/** Hands the record over, or counts it as lost. */
function output({ ringBuffer, lost }: TraceMaps): BpfStep[] {
  return [
    ...loadMap(1, ringBuffer),
    move(2, 10),
    add(2, frame),
    set(3, RECORD_BYTES),
    set(4, NO_WAKEUP),
    call(HELPER.ringbuf_output),
    jumpIf(0, '==', 0, 'out'),
    set(1, 0),
    store(4, 10, -4, 1),
    ...loadMap(1, lost),
    move(2, 10),
    add(2, -4),
    call(HELPER.map_lookup_elem),
    jumpIf(0, '==', 0, 'out'),
    set(1, 1),
    atomicAdd(0, 0, 1),
    label('out'),
    set(0, 0),
    exit(),
  ];
}
