import { lookup as lookupName, type LookupAddress } from 'node:dns';
import net from 'node:net';
import tls from 'node:tls';
import { connectionError } from '../connection-error.ts';
import { SocketClosedError } from '../net-error.ts';
import { attemptTimeoutMs } from '../attempt-timeout.ts';
import { checkTimeouts, type Timeouts } from '../timeouts.ts';
import type { SocketCloseOptions } from './close-report.ts';
import { checkConnectOptions } from './connect-options.ts';
import { ConnectPhases, type Work } from './connect-phases.ts';
import { resetSocket } from './node-handle.ts';
import { isSystemError } from './system-error.ts';
import { SafeSocket } from './safe-socket.ts';

/** The limits of a socket, in milliseconds; see `Timeouts`. */
export type SocketTimeouts = Pick<
  Timeouts,
  'lookup' | 'connect' | 'tls' | 'write' | 'read' | 'idle' | 'total'
>;

/** Options of every connection that we open. */
export interface ConnectCommonOptions {
  /**
   * Default: `lookup`, `connect` and `tls` 10 000 each, the others none. `total` counts from the call to the release.
   * getaddrinfo cannot be cancelled: after a `lookup` time-out its thread goes on until the resolver gives up.
   */
  readonly timeouts?: SocketTimeouts | undefined;
  /** Cancels connecting, and resets the connection later on; the errors are its reason. */
  readonly signal?: AbortSignal | undefined;
  /** The limits of `close()`. */
  readonly close?: SocketCloseOptions | undefined;
  /** TLS over the connection: true, or options of `tls.connect()`, such as `ca`, `cert` and `servername`. */
  readonly tls?: boolean | (tls.SecureContextOptions & TlsClientOptions) | undefined;
}

/** What of `tls.connect()`'s options has nothing to do with keys. */
export type TlsClientOptions = Pick<
  tls.ConnectionOptions,
  | 'servername'
  | 'rejectUnauthorized'
  | 'ALPNProtocols'
  | 'checkServerIdentity'
  | 'session'
  | 'minDHSize'
>;

/** A TCP connection. */
export interface ConnectTcpOptions extends ConnectCommonOptions {
  /** A name, or an IPv4 or IPv6 address. */
  readonly host: string;
  /** The port, 1 to 65535. */
  readonly port: number;
  readonly path?: never;
  /** Send small writes at once (TCP_NODELAY). Default true. */
  readonly noDelay?: boolean | undefined;
  /** The first keep-alive probe comes after so many ms without traffic. Default: none are sent. */
  readonly keepAlive?: number | undefined;
  /** The address to connect from. */
  readonly localAddress?: string | undefined;
  /** Only addresses of this family. Default: both, in the resolver's order. */
  readonly family?: 4 | 6 | undefined;
}

/** A connection over a Unix socket. */
export interface ConnectPathOptions extends ConnectCommonOptions {
  /** The file of the socket. */
  readonly path: string;
  readonly host?: never;
  readonly port?: never;
}

/** Where to connect to, by TCP or by a Unix socket, and how. */
export type ConnectOptions = ConnectTcpOptions | ConnectPathOptions;

const DEFAULT_TIMEOUTS: SocketTimeouts = { lookup: 10_000, connect: 10_000, tls: 10_000 };
/** For one address of several when connecting has no limit: until the kernel's second SYN. */
const ATTEMPT_MS = 1_000;

/**
 * Opens a connection: resolves the name, tries its addresses one after the other, and makes the TLS session. Every limit,
 * error and abort destroys what was begun.
 * @throws LookupTimeoutError, ConnectTimeoutError, TlsTimeoutError, TotalTimeoutError; ConnectionError and its kinds;
 *   RangeError for a limit or a port that is none; TypeError for another option that is wrong; the signal's reason
 * @example await using socket = await connect({ host: '::1', port: 6379, timeouts: { read: 1_000 } });
 */
export async function connect(options: ConnectOptions): Promise<SafeSocket> {
  checkConnectOptions(options);
  const timeouts = { ...DEFAULT_TIMEOUTS, ...checkTimeouts(options.timeouts ?? {}) };
  const { signal, close } = options;
  signal?.throwIfAborted();
  const target = options.path ?? targetOf(options.host, options.port);
  const phases = new ConnectPhases({ target, timeouts, signal });
  try {
    const lower =
      options.path === undefined
        ? await openTcp(options, phases, timeouts.connect)
        : await phases.run(
            'connect',
            opening(net.connect({ path: options.path, allowHalfOpen: true }), 'connect'),
          );
    const raw = options.tls ? await secure(lower, options, phases) : lower;
    return new SafeSocket(raw, { target, timeouts, signal, close, startedAt: phases.startedAt });
  } catch (error) {
    throw isSystemError(error) ? connectionError(error, { target, bytesWritten: 0 }) : error;
  }
}

async function openTcp(
  options: ConnectTcpOptions,
  phases: ConnectPhases,
  budgetMs = Infinity,
): Promise<net.Socket> {
  const { host, port, family, localAddress, noDelay = true, keepAlive } = options;
  const addresses = await phases.run('lookup', lookingUp(host, family));
  const socket = net.connect({
    host,
    port,
    // The names were resolved above, under a limit of their own.
    lookup: (_host, _options, callback) => callback(null, addresses),
    autoSelectFamily: true,
    // Node gives an address up after 250 ms and never comes back to it: too soon for a slow network.
    autoSelectFamilyAttemptTimeout: attemptTimeoutMs(budgetMs) ?? ATTEMPT_MS,
    allowHalfOpen: true,
    noDelay,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(keepAlive === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAlive }),
  });
  return phases.run('connect', opening(socket, 'connect'));
}

function lookingUp(host: string, family: 4 | 6 | undefined): Work<LookupAddress[]> {
  const done = new Promise<LookupAddress[]>((resolve, reject) => {
    lookupName(host, { all: true, family: family ?? 0 }, (error, addresses) => {
      if (error) reject(error);
      else resolve(addresses);
    });
  });
  return { done, giveUp: () => {} };
}

async function secure(
  lower: net.Socket,
  options: ConnectOptions,
  phases: ConnectPhases,
): Promise<net.Socket> {
  const given = options.tls === true ? {} : options.tls;
  const servername = options.host !== undefined && !net.isIP(options.host) ? options.host : '';
  const socket = tls.connect({
    servername,
    ...given,
    host: options.host ?? 'localhost',
    socket: lower,
  });
  return phases.run('tls', opening(socket, 'secureConnect'));
}

/** Waits for a socket to be ready; until then its errors end the wait, and giving up resets it. */
function opening(socket: net.Socket, event: 'connect' | 'secureConnect'): Work<net.Socket> {
  const done = new Promise<net.Socket>((resolve, reject) => {
    socket.once(event, () => {
      socket.off('error', reject);
      socket.off('close', onClose);
      resolve(socket);
    });
    const onClose = (): void => reject(new SocketClosedError('closed while connecting'));
    socket.once('error', reject);
    socket.once('close', onClose);
  });
  const giveUp = (): void => {
    // Nobody listens any more; what comes after the end tells nothing new.
    socket.on('error', () => {});
    if (!socket.destroyed) resetSocket(socket);
  };
  return { done, giveUp };
}

function targetOf(host: string, port: number): string {
  return net.isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
