import { ALL_STATES_MASK } from '../tcp/state.ts';
import { FilterError } from './filter-error.ts';
import { nearMatches, squash } from './spelling.ts';

// Bits of idiag_states, include/net/tcp_states.h (Linux 6.18). Two states of the RFC are two of the kernel each.
const TCP_SYN_RECV = 3;
const TCP_TIME_WAIT = 6;
const TCP_CLOSE = 7;
const TCP_NEW_SYN_RECV = 12;
const TCP_BOUND_INACTIVE = 13;

const ESTABLISHED = 1 << 1;
const SYN_SENT = 1 << 2;
/** Asking for TCP_SYN_RECV brings TCP_NEW_SYN_RECV too; excluding it must therefore exclude both. */
const SYN_RECEIVED = (1 << TCP_SYN_RECV) | (1 << TCP_NEW_SYN_RECV);
const TIME_WAIT = 1 << TCP_TIME_WAIT;
/** TCP_CLOSE alone finds nothing: sockets that are bound and no more are in no other hash table (since Linux 6.8). */
const CLOSED = (1 << TCP_CLOSE) | (1 << TCP_BOUND_INACTIVE);
/** A row does not say which of the two it is: where a mask has one of them, it matches both. */
const SUB_STATES = [SYN_RECEIVED, CLOSED];
const LISTEN = 1 << 10;
const CONNECTED = ALL_STATES_MASK & ~(CLOSED | LISTEN);

/** The names that ss takes, those of RFC 9293, and the ones that ss prints. */
const STATE_MASKS: Readonly<Record<string, number>> = {
  established: ESTABLISHED,
  estab: ESTABLISHED,
  'syn-sent': SYN_SENT,
  'syn-recv': SYN_RECEIVED,
  'syn-rcv': SYN_RECEIVED,
  'syn-received': SYN_RECEIVED,
  'fin-wait-1': 1 << 4,
  'fin-wait-2': 1 << 5,
  'time-wait': TIME_WAIT,
  closed: CLOSED,
  close: CLOSED,
  unconnected: CLOSED,
  unconn: CLOSED,
  'close-wait': 1 << 8,
  'last-ack': 1 << 9,
  listening: LISTEN,
  listen: LISTEN,
  closing: 1 << 11,
  'bound-inactive': 1 << TCP_BOUND_INACTIVE,
  all: ALL_STATES_MASK,
  connected: CONNECTED,
  synchronized: CONNECTED & ~SYN_SENT,
  bucket: SYN_RECEIVED | TIME_WAIT,
  big: ALL_STATES_MASK & ~(SYN_RECEIVED | TIME_WAIT),
};

const STATE_NAMES = Object.keys(STATE_MASKS);
const BY_SQUASHED_NAME = new Map(STATE_NAMES.map((name) => [squash(name), STATE_MASKS[name]]));

/** The kernel's mask of a state or group of states, or null; `close-wait`, `CLOSE_WAIT` and `CloseWait` are one. */
export function stateMaskOf(name: string): number | null {
  return BY_SQUASHED_NAME.get(squash(name)) ?? null;
}

export function unknownState(name: string, position: number): FilterError {
  const near = nearMatches(name, STATE_NAMES);
  const remedy =
    near.length > 0
      ? `Did you mean ${near.join(' or ')}?`
      : `The states are ${STATE_NAMES.join(', ')}.`;
  return new FilterError(`unknown state '${name}'. ${remedy}`, position);
}

/** The mask of the rows that are in both masks. */
export function intersectStates(a: number, b: number): number {
  let both = a & b;
  for (const pair of SUB_STATES) if ((a & pair) !== 0 && (b & pair) !== 0) both |= (a | b) & pair;
  return both;
}

/** The mask of the rows that are not in this one. */
export function oppositeStates(mask: number): number {
  let whole = mask;
  for (const pair of SUB_STATES) if ((mask & pair) !== 0) whole |= pair;
  return ALL_STATES_MASK & ~whole;
}

/** For each number that `idiag_state` can have, 1 when a row with it is in the mask. */
export function rowStatesOf(mask: number): Uint8Array {
  const wanted = new Uint8Array(256);
  for (let state = 0; state < 14; state++) wanted[state] = (mask >>> state) & 1;
  // The kernel reports the sub-states under the state's own number.
  wanted[TCP_SYN_RECV] |= wanted[TCP_NEW_SYN_RECV];
  wanted[TCP_CLOSE] |= wanted[TCP_BOUND_INACTIVE];
  return wanted;
}
