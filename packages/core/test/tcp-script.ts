import { abort, close, connect, read, shutdown, write } from '../src/tcp/calls.ts';
import { arrive, type Host } from '../src/tcp/host.ts';
import { ACK, FIN, PSH, RST, type Segment, SYN } from '../src/tcp/segment.ts';
import type { TcpState } from '../src/tcp/state.ts';
import { createTcb, type Tcb } from '../src/tcp/tcb.ts';
import { LINUX, type TcpOptions } from '../src/tcp/tcp-options.ts';
import { expire } from '../src/tcp/transmit.ts';

const LETTERS = [
  [SYN, 'S'],
  [FIN, 'F'],
  [RST, 'R'],
  [PSH, 'P'],
] as const;

/**
 * One end of a connection, driven segment by segment. Segments are written as tcpdump writes them, with sequence
 * numbers that start at 0 on each side: `F. 1001:1001(0) ack 1` (`.` is ACK).
 */
export interface TcpScript {
  readonly states: TcpState[];
  readonly tcb: () => Tcb;
  /** What was sent since the last call. */
  sent(): string[];
  /** A segment of the peer. */
  receive(segment: string, window?: number): void;
  connect(): void;
  write(bytes: number): number | null;
  read(atMost: number): number | null;
  shutdown(how: 'RD' | 'WR' | 'RDWR'): void;
  close(): void;
  abort(): void;
  /** Lets the clock run, and the timers that fall due. */
  wait(ms: number): void;
}

const ISS = 1_000_000;
const PEER_ISS = 4_294_967_290;

export function startScript(changes: Partial<TcpOptions> = {}, listens = false): TcpScript {
  const options: TcpOptions = { ...LINUX, timestamps: false, mss: 1000, ...changes };
  const states: TcpState[] = [];
  let sent: Segment[] = [];
  let now = 0;
  const host: Host = {
    current: null,
    listening: listens,
    create: () =>
      createTcb(
        options,
        {
          send: (segment) => void sent.push(segment),
          transition: (_from, to) => void states.push(to),
        },
        ISS,
        1,
      ),
    send: (segment) => void sent.push(segment),
  };
  const tcb = () => {
    if (host.current === null) throw new Error('no connection yet');
    return host.current;
  };
  return {
    states,
    tcb,
    sent() {
      const texts = sent.map(textOf);
      sent = [];
      return texts;
    },
    receive: (text, window = 32_768) => arrive(host, now, segmentOf(text, window)),
    connect() {
      host.current = host.create();
      connect(host.current, now);
    },
    write: (bytes) => write(tcb(), now, bytes),
    read: (atMost) => read(tcb(), now, atMost),
    shutdown: (how) => shutdown(tcb(), now, how),
    close: () => close(tcb(), now),
    abort: () => abort(tcb(), now),
    wait(ms) {
      const end = now + ms;
      const due = () => Math.min(tcb().retransmitAt, tcb().expiresAt);
      while (due() <= end) {
        now = Math.max(now, due());
        expire(tcb(), now);
      }
      now = end;
    },
  };
}

/** A connection that a client made to this listener, as most of the published scripts begin. */
export function startAccepted(changes: Partial<TcpOptions> = {}, window = 32_768): TcpScript {
  const script = startScript(changes, true);
  script.receive('S 0:0(0)', window);
  script.receive('. 1:1(0) ack 1', window);
  script.sent();
  script.states.length = 0;
  return script;
}

function textOf({ flags, seq, length, ack }: Segment): string {
  const letters = LETTERS.filter(([bit]) => flags & bit).map(([, letter]) => letter);
  const start = (seq - ISS) | 0;
  const range = `${start}:${start + length}(${length})`;
  const dot = flags & ACK ? '.' : '';
  return `${letters.join('')}${dot} ${range}${flags & ACK ? ` ack ${(ack - PEER_ISS) | 0}` : ''}`;
}

function segmentOf(text: string, window: number): Segment {
  const match = /^([SFRP]*)(\.?) (\d+):\d+\((\d+)\)(?: ack (\d+))?$/.exec(text);
  if (match === null) throw new Error(`no segment: ${text}`);
  const [, letters = '', dot, start, length, ack] = match;
  let flags = dot === '.' ? ACK : 0;
  for (const [bit, letter] of LETTERS) if (letters.includes(letter)) flags |= bit;
  return {
    flags,
    seq: (PEER_ISS + Number(start)) >>> 0,
    ack: ack === undefined ? 0 : (ISS + Number(ack)) >>> 0,
    length: Number(length),
    window,
    timestamp: 0,
    connection: 1,
  };
}
