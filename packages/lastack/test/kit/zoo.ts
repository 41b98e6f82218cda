import type { TcpState } from '@lastack/core';
import { until } from './condition.ts';
import type { Namespace } from './netns.ts';
import { startProgram } from './program.ts';
import { readSockets } from './sockets.ts';

const PORT = 7100;
const [NO_SYN, NO_SYN_ACK, NO_CLIENT_FIN, NO_SERVER_FIN] = [1, 2, 3, 4].map((n) => PORT + n);

/** The states that the zoo has over every kind of address; /proc/net/tcp does not show CLOSED ones. */
export const ZOO_STATES = [
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECEIVED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
] as const satisfies readonly TcpState[];

/** IPv4, and as IPv6: loopback, IPv4-mapped, link-local with a scope. */
const KINDS = { 4: 1, 6: 3 } as const;

/**
 * Makes every TCP state in a namespace, with and without a descriptor, and waits until the kernel shows them. They stay
 * for half a minute at least: until then retransmissions and TIME-WAITs do not expire.
 */
export async function openZoo(ns: Namespace): Promise<void> {
  await ns.obstruct(
    `tcp dport ${NO_SYN} tcp flags & (syn|ack) == syn drop`,
    `tcp sport ${NO_SYN_ACK} tcp flags & (syn|ack) == syn|ack drop`,
    `tcp dport ${NO_CLIENT_FIN} tcp flags & fin == fin drop`,
    `tcp sport ${NO_SERVER_FIN} tcp flags & fin == fin drop`,
  );
  await startProgram(ns, 'every-state.py', [PORT]);
  await until(
    () => missing(ns).length === 0,
    () => `these states: ${missing(ns).join(', ')}`,
  );
}

/** Fills a namespace with about `count` sockets, half of them IPv6, by several processes: each may open few descriptors. */
export async function openCrowd(ns: Namespace, count: number): Promise<void> {
  const perProcess = 10_000;
  const processes = Math.ceil(count / perProcess);
  await Promise.all(
    Array.from({ length: processes }, (_, i) =>
      startProgram(ns, 'crowd.py', [
        i % 2 === 0 ? '127.0.0.1' : '::1',
        PORT + 100 + i,
        Math.ceil(count / processes),
      ]),
    ),
  );
}

function missing(ns: Namespace): string[] {
  const sockets = readSockets(ns);
  return ([4, 6] as const).flatMap((family) =>
    ZOO_STATES.filter((state) => {
      const found = sockets.filter((each) => each.family === family && each.state === state);
      return found.length < KINDS[family];
    }).map((state) => `${state} (IPv${family})`),
  );
}
