/** The connection states of RFC 9293 §3.3.2, in the field's spelling. */
export const TCP_STATES = [
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECEIVED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSED',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
] as const;

export type TcpState = (typeof TCP_STATES)[number];

/**
 * The kernel's number for each state, `enum` in include/net/tcp_states.h (Linux 6.18):
 * TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSE,
 * TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_LISTEN, TCP_CLOSING, TCP_NEW_SYN_RECV, TCP_BOUND_INACTIVE.
 */
export const KERNEL_STATE: Readonly<Record<TcpState, number>> = {
  ESTABLISHED: 1,
  'SYN-SENT': 2,
  'SYN-RECEIVED': 3,
  'FIN-WAIT-1': 4,
  'FIN-WAIT-2': 5,
  'TIME-WAIT': 6,
  CLOSED: 7,
  'CLOSE-WAIT': 8,
  'LAST-ACK': 9,
  LISTEN: 10,
  CLOSING: 11,
};

/**
 * Every state of the kernel's mask but TCP_BOUND_INACTIVE (13, Linux 6.8): a bound socket without a connection, which ss
 * lists from its version 6.8 on only, and which no other state turns into by itself.
 */
export const ALL_STATES_MASK = 0x1fff;

/** The state of a kernel number; the kernel's own sub-states fold into the RFC's. */
export function stateOfKernel(number: number): TcpState {
  if (number >= 1 && number <= 11) return TCP_STATES[number - 1];
  if (number === 12) return 'SYN-RECEIVED';
  return 'CLOSED';
}

/** The kernel's bit mask for a set of states: bit n stands for kernel state n. */
export function maskOfStates(states: Iterable<TcpState>): number {
  let mask = 0;
  for (const state of states) mask |= 1 << KERNEL_STATE[state];
  return mask;
}
