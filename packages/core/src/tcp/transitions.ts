import type { TcpState } from './state.ts';

/** What makes a connection change its state: a call of the program, a segment, or the clock. */
export type TcpEvent =
  | 'listen()'
  | 'connect()'
  | 'shutdown(WR)'
  | 'close()'
  | 'abort()'
  | 'receive SYN'
  | 'receive SYN ACK'
  | 'receive ACK'
  | 'receive FIN'
  | 'receive ACK of FIN'
  | 'receive FIN, ACK of FIN'
  | 'receive RST'
  | 'data unread at close()'
  | 'data after close()'
  | 'time-out';

/** One arrow of the state diagram. */
export interface Transition {
  readonly from: TcpState;
  readonly to: TcpState;
  readonly on: TcpEvent;
  /** What is sent, or null. */
  readonly sends: string | null;
  /** Where it is written. */
  readonly source: string;
}

const RFC = 'RFC 9293 §3.3.2, figure 5';

/** The state diagram: RFC 9293's arrows, and those of its text that the figure leaves out. */
export const TRANSITIONS: readonly Transition[] = [
  arrow('CLOSED', 'LISTEN', 'listen()', null),
  arrow('CLOSED', 'SYN-SENT', 'connect()', 'SYN'),
  arrow('LISTEN', 'SYN-RECEIVED', 'receive SYN', 'SYN ACK'),
  arrow('LISTEN', 'CLOSED', 'close()', null),
  arrow('SYN-SENT', 'ESTABLISHED', 'receive SYN ACK', 'ACK'),
  arrow('SYN-SENT', 'SYN-RECEIVED', 'receive SYN', 'SYN ACK'),
  arrow('SYN-SENT', 'CLOSED', 'close()', null),
  arrow('SYN-RECEIVED', 'ESTABLISHED', 'receive ACK', null),
  arrow('SYN-RECEIVED', 'FIN-WAIT-1', 'close()', 'FIN'),
  arrow('SYN-RECEIVED', 'FIN-WAIT-1', 'shutdown(WR)', 'FIN'),
  arrow('SYN-RECEIVED', 'CLOSE-WAIT', 'receive FIN', 'ACK', 'RFC 9293 §3.10.7.4, eighth'),
  arrow('ESTABLISHED', 'FIN-WAIT-1', 'close()', 'FIN'),
  arrow('ESTABLISHED', 'FIN-WAIT-1', 'shutdown(WR)', 'FIN'),
  arrow('ESTABLISHED', 'CLOSE-WAIT', 'receive FIN', 'ACK'),
  arrow('FIN-WAIT-1', 'FIN-WAIT-2', 'receive ACK of FIN', null),
  arrow('FIN-WAIT-1', 'CLOSING', 'receive FIN', 'ACK'),
  arrow('FIN-WAIT-1', 'TIME-WAIT', 'receive FIN, ACK of FIN', 'ACK', 'RFC 9293 §3.10.7.4, eighth'),
  arrow('FIN-WAIT-2', 'TIME-WAIT', 'receive FIN', 'ACK'),
  arrow('CLOSING', 'TIME-WAIT', 'receive ACK of FIN', null),
  arrow('CLOSE-WAIT', 'LAST-ACK', 'close()', 'FIN'),
  arrow('CLOSE-WAIT', 'LAST-ACK', 'shutdown(WR)', 'FIN'),
  arrow('LAST-ACK', 'CLOSED', 'receive ACK of FIN', null),
  arrow('TIME-WAIT', 'CLOSED', 'time-out', null),
  arrow('TIME-WAIT', 'CLOSED', 'receive SYN', null, 'RFC 9293 §3.10.7.4, fourth; RFC 6191'),
  arrow('FIN-WAIT-2', 'CLOSED', 'time-out', null, 'Linux: tcp_fin_timeout, orphans only'),
  arrow(
    'ESTABLISHED',
    'CLOSED',
    'data unread at close()',
    'RST',
    'Linux: tcp_close(); RFC 1122 §4.2.2.13',
  ),
  arrow(
    'CLOSE-WAIT',
    'CLOSED',
    'data unread at close()',
    'RST',
    'Linux: tcp_close(); RFC 1122 §4.2.2.13',
  ),
  arrow(
    'FIN-WAIT-1',
    'CLOSED',
    'data unread at close()',
    'RST',
    'Linux: tcp_close(); RFC 1122 §4.2.2.13',
  ),
  arrow(
    'FIN-WAIT-2',
    'CLOSED',
    'data unread at close()',
    'RST',
    'Linux: tcp_close(); RFC 1122 §4.2.2.13',
  ),
  arrow('FIN-WAIT-1', 'CLOSED', 'data after close()', 'RST', 'RFC 1122 §4.2.2.13'),
  arrow('FIN-WAIT-2', 'CLOSED', 'data after close()', 'RST', 'RFC 1122 §4.2.2.13'),
  ...everywhere('receive RST', null, 'RFC 9293 §3.10.7', [
    'SYN-SENT',
    'SYN-RECEIVED',
    'ESTABLISHED',
    'FIN-WAIT-1',
    'FIN-WAIT-2',
    'CLOSE-WAIT',
    'CLOSING',
    'LAST-ACK',
    'TIME-WAIT',
  ]),
  ...everywhere('abort()', null, 'RFC 9293 §3.10.5', ['SYN-SENT', 'CLOSING', 'LAST-ACK']),
  ...everywhere('abort()', 'RST', 'RFC 9293 §3.10.5', [
    'SYN-RECEIVED',
    'ESTABLISHED',
    'FIN-WAIT-1',
    'FIN-WAIT-2',
    'CLOSE-WAIT',
  ]),
  ...everywhere('time-out', null, 'RFC 9293 §3.10.8: retransmissions or user time-out', [
    'SYN-SENT',
    'SYN-RECEIVED',
    'ESTABLISHED',
    'FIN-WAIT-1',
    'CLOSE-WAIT',
    'CLOSING',
    'LAST-ACK',
  ]),
];

const ALLOWED: ReadonlySet<string> = new Set(TRANSITIONS.map(({ from, to }) => `${from} ${to}`));

/** Whether any event leads from one state to the other. */
export function isTransition(from: TcpState, to: TcpState): boolean {
  return ALLOWED.has(`${from} ${to}`);
}

function arrow(
  from: TcpState,
  to: TcpState,
  on: TcpEvent,
  sends: string | null,
  source = RFC,
): Transition {
  return { from, to, on, sends, source };
}

function everywhere(
  on: TcpEvent,
  sends: string | null,
  source: string,
  states: readonly TcpState[],
): Transition[] {
  return states.map((from) => ({ from, to: 'CLOSED' as const, on, sends, source }));
}
