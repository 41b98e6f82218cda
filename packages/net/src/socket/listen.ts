import net from 'node:net';
import tls from 'node:tls';
import { connectionError } from '../connection-error.ts';
import { checkOptions } from '../options.ts';
import { checkTimeouts, type Timeouts } from '../timeouts.ts';
import type { SocketCloseOptions } from './close-report.ts';
import { checkCloseOptions, closeLimits } from './close-report.ts';
import { Listener } from './listener.ts';
import { isSystemError } from './system-error.ts';
import type { SafeSocket } from './safe-socket.ts';

/** What is done with a connection. When it returns or throws, the connection is closed as by `close()`. */
export type ConnectionHandler = (socket: SafeSocket) => void | Promise<void>;

/** Options of `listen()`. */
export interface ListenOptions {
  /** Default 0: a free port, see `Listener.address`. */
  readonly port?: number | undefined;
  /** The address to listen on. Default: all addresses, IPv6 and IPv4. */
  readonly host?: string | undefined;
  /** A Unix socket's path instead of a port. The file must not exist; it is removed when the listener closes. */
  readonly path?: string | undefined;
  /** TLS with these keys and certificates; a handshake may take `timeouts.tls`. */
  readonly tls?: tls.TlsOptions | undefined;
  /** For each connection. Default: `tls` 10 000, the others none. */
  readonly timeouts?: Pick<Timeouts, 'tls' | 'write' | 'read' | 'idle' | 'total'> | undefined;
  /** More connections than this are closed as soon as they are accepted. Default: no limit. */
  readonly maxConnections?: number | undefined;
  /**
   * Without a handler: more connections than this that nobody has taken by iteration are reset. Node accepts on its own,
   * so the kernel's queue cannot hold them back. Default 511.
   */
  readonly maxWaiting?: number | undefined;
  /** The limits of `close()` for each connection. */
  readonly close?: SocketCloseOptions | undefined;
  /**
   * Told of what a handler throws and of what accept(2) fails with. The connection is closed in any case. Default:
   * `process.emitWarning()`, which prints it and lets the process go on; but not for what the peer did to the connection
   * (a reset, a time-out), which is the `error` of its report.
   */
  readonly onError?: ((error: unknown, socket: SafeSocket | null) => void) | undefined;
  /** Send small writes at once (TCP_NODELAY). Default true. */
  readonly noDelay?: boolean | undefined;
  /** The first keep-alive probe comes after so many ms without traffic. Default: none are sent. */
  readonly keepAlive?: number | undefined;
  /** Connections that the kernel completes ahead of accept(2), cut to net.core.somaxconn. Default 511. */
  readonly backlog?: number | undefined;
  /** On `::`, only IPv6 (IPV6_V6ONLY). Default false: IPv4 comes as ::ffff:a.b.c.d. */
  readonly ipv6Only?: boolean | undefined;
  /** In a cluster's worker: a socket of its own instead of one that the workers share. Default false. */
  readonly exclusive?: boolean | undefined;
  /**
   * SO_REUSEPORT: several processes of one user may listen on the port, and the kernel deals the connections out. When one
   * of them closes, what waits in its queue is reset. Needs Node 22.12 or 23.1: before, listening fails.
   *
   * SO_REUSEADDR is always set by libuv on Unix: a restart need not wait for TIME-WAIT.
   */
  readonly reusePort?: boolean | undefined;
}

const DEFAULT_TLS_TIMEOUT_MS = 10_000;
const DEFAULT_BACKLOG = 511;

/**
 * Listens. With a handler each connection goes to it; without one, iterate over the listener and close what you take.
 * @throws ConnectionError with the errno (`EADDRINUSE`, `EACCES`, …); RangeError for a limit that is none
 * @example
 * await using listener = await listen({ port: 7 }, async (socket) => {
 *   for await (const chunk of socket) await socket.write(chunk);
 * });
 */
export async function listen(
  options: ListenOptions = {},
  handler?: ConnectionHandler,
): Promise<Listener> {
  checkTimeouts(options.timeouts ?? {});
  checkOptions('listen', options, {
    port: 'any',
    host: 'string',
    path: 'string',
    tls: 'object',
    timeouts: 'object',
    maxConnections: 'count',
    maxWaiting: 'count',
    close: 'object',
    onError: 'function',
    noDelay: 'boolean',
    keepAlive: 'count',
    backlog: 'any',
    ipv6Only: 'boolean',
    exclusive: 'boolean',
    reusePort: 'boolean',
  });
  checkCloseOptions('listen: close', options.close, { onReport: 'function' });
  closeLimits(options.close);
  if (options.reusePort === true) checkReusePort(process.versions.node);
  const server = makeServer(options);
  if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections;
  const listener = new Listener(server, options, handler);
  const {
    port = 0,
    host,
    path,
    backlog = DEFAULT_BACKLOG,
    ipv6Only,
    exclusive,
    reusePort,
  } = options;
  const where = {
    ...(path === undefined ? { port, host } : { path }),
    backlog,
    ipv6Only: ipv6Only ?? false,
    exclusive: exclusive ?? false,
    reusePort: reusePort ?? false,
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const target = path ?? `${host ?? '*'}:${port}`;
    throw isSystemError(error) ? connectionError(error, { target, bytesWritten: 0 }) : error;
  }
  server.on('error', (error) => listener.tell(error, null));
  return listener;
}

function makeServer({ tls: keys, timeouts, noDelay = true, keepAlive }: ListenOptions): net.Server {
  const socketOptions = {
    allowHalfOpen: true,
    noDelay,
    ...(keepAlive === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAlive }),
  };
  if (keys === undefined) return net.createServer(socketOptions);
  // 0 is Node's "no limit"; it takes no Infinity.
  const limit = timeouts?.tls ?? DEFAULT_TLS_TIMEOUT_MS;
  const handshakeTimeout = Math.min(limit, 0x7fffffff);
  return tls.createServer({ ...keys, ...socketOptions, handshakeTimeout });
}

/** Node that does not know the option ignores it, and two processes would not share the port. */
function checkReusePort(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isKnown = major >= 24 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  if (!isKnown) {
    throw new RangeError(
      `listen({ reusePort: true }) needs Node 22.12 or 23.1, this is ${version}`,
    );
  }
}
