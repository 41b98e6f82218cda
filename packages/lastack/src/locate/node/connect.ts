import { closeSync } from 'node:fs';
import { get } from 'node:http';
import { connect as connectTcp, isIPv6, Socket, type SocketConstructorOpts } from 'node:net';
import { seen, unavailable, type Observation } from '@lastack/core';
import { readNetns } from '../../kernel/procfs/process-facts.ts';
import { loadLibc } from '../../kernel/ffi.ts';
import { inNetns } from '../../kernel/netns.ts';
import type { Listener } from './listeners.ts';
import { openWebSocket, type WebSocketClient } from './web-socket.ts';

const AF_INET = 2;
const AF_INET6 = 10;
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const STREAM = 1 | 0o4000 | 0o2000000;

/** An answer of /json/list is below 1 kB. */
const LONGEST_LIST = 64 << 10;

/**
 * Connects to the inspector that listens there, in the network namespace of its process.
 * @throws Error when that fails, or takes longer than `timeoutMs`
 */
export async function connectInspector(
  pid: number,
  listener: Listener,
  timeoutMs: number,
): Promise<WebSocketClient> {
  const { host, port } = listener;
  const connect = (): Socket => openSocket(pid, host, port);
  const path = parseTarget(await readList(connect, timeoutMs));
  if (path === null) throw new Error(`no inspector answers on port ${port}`);
  const hostHeader = isIPv6(host) ? `[${host}]` : host;
  return openWebSocket({ host: hostHeader, port, path, connect, timeoutMs });
}

/** The path of the first target's WebSocket in the answer of /json/list; null where there is none. */
export function parseTarget(json: string): string | null {
  try {
    const targets = JSON.parse(json) as readonly { readonly webSocketDebuggerUrl?: unknown }[];
    const url = targets[0]?.webSocketDebuggerUrl;
    return typeof url === 'string' ? new URL(url).pathname : null;
  } catch {
    return null;
  }
}

function readList(connect: () => Socket, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = get({ path: '/json/list', createConnection: connect });
    const timer = setTimeout(() => asking.destroy(new Error('time-out')), timeoutMs);
    asking.once('close', () => clearTimeout(timer));
    asking.once('error', reject);
    asking.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > LONGEST_LIST) asking.destroy(new Error('the answer is too long'));
      });
      response.once('end', () => resolve(text));
      response.once('error', reject);
    });
  });
}

/** Whether a connection can be made in the network namespace of a process: to be known before anything is opened there. */
export function canConnect(pid: number): Observation<true> {
  if (isInOurNetns(pid)) return seen(true);
  const fd = makeSocket(pid, AF_INET);
  if (fd.kind !== 'ok') return fd;
  closeSync(fd.value);
  return seen(true);
}

function openSocket(pid: number, host: string, port: number): Socket {
  if (isInOurNetns(pid)) return connectTcp({ host, port, noDelay: true });
  // node:net makes its sockets later than connect() returns, so this one is made by hand, while we are there.
  const fd = makeSocket(pid, isIPv6(host) ? AF_INET6 : AF_INET);
  if (fd.kind !== 'ok') throw new Error(fd.reason);
  // Without `manualStart` it would read before it is connected.
  const options: SocketConstructorOpts & { manualStart: true } = {
    fd: fd.value,
    manualStart: true,
  };
  return new Socket(options).connect({ host, port }).setNoDelay(true);
}

function isInOurNetns(pid: number): boolean {
  return readNetns(`/proc/${pid}/ns/net`) === readNetns('/proc/self/ns/net');
}

function makeSocket(pid: number, family: number): Observation<number> {
  const libc = loadLibc();
  if (libc.kind !== 'ok') return libc;
  const { value } = libc;
  const made = inNetns(value, `/proc/${pid}/ns/net`, () => {
    const fd = value.socket(family, STREAM, 0);
    return fd >= 0 ? seen(fd) : unavailable(`no socket: errno ${value.errno()}`, 'try again');
  });
  return made.kind === 'ok' ? made.value : made;
}
