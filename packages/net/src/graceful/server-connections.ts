import { type IncomingMessage, Server as HttpServer, type ServerResponse } from 'node:http';
import type { Http2Session, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
import { socketBelow } from '../socket/node-handle.ts';
import type { Connection, DrainLimits } from './connection.ts';
import { ForeignConnection, type OnUpgraded } from './foreign-connection.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import type { ShutdownTally } from './shutdown-report.ts';
import { TlsHandshake } from './tls-handshake.ts';

/** What a server speaks: decides what a fresh connection is. */
type Protocol = 'http1' | 'http2' | 'foreign';

/** Every connection of a server, kept by what the server emits. */
export class ServerConnections {
  readonly #protocol: Protocol;
  readonly #isTls: boolean;
  readonly #limits: DrainLimits;
  readonly #onUpgraded: OnUpgraded | undefined;
  readonly #tally: ShutdownTally;
  readonly #connections = new Map<Socket, Connection>();
  readonly #sessions = new WeakMap<Http2Session, Http2Connection>();
  #draining = false;
  #onEmpty: (() => void) | undefined;
  #accepted = 0;
  /** The socket that Node is handing over: an HTTP/2 session is made, and emitted, meanwhile. */
  #current: Socket | undefined;

  constructor(
    server: Server,
    limits: DrainLimits,
    onUpgraded: OnUpgraded | undefined,
    tally: ShutdownTally,
  ) {
    this.#protocol = protocolOf(server);
    this.#isTls = server instanceof TlsServer;
    this.#limits = limits;
    this.#onUpgraded = onUpgraded;
    this.#tally = tally;
  }

  /** How many connections were accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** @returns when the last of them has closed; the server emits its 'close' before that */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const connection of this.#connections.values()) connection.drain();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Ends all of them now. */
  destroyAll(): void {
    for (const [socket, connection] of this.#connections) {
      if (socket.destroyed) continue;
      this.#tally.forcedConnections++;
      this.#tally.abortedRequests += connection.destroy();
    }
  }

  connected(socket: Socket, next: () => boolean): boolean {
    this.#accepted++;
    if (this.#isTls) {
      this.#add(socket, new TlsHandshake(socket, this.#limits));
      return next();
    }
    return this.#ready(socket, this.#protocol, next);
  }

  secured(socket: TLSSocket, next: () => boolean): boolean {
    const isHttp1 = this.#protocol === 'http2' && socket.alpnProtocol !== 'h2';
    const result = this.#ready(socket, isHttp1 ? 'http1' : this.#protocol, next);
    const below = socketBelow(socket);
    if (below !== null) this.#remove(below);
    return result;
  }

  session(session: ServerHttp2Session): void {
    const socket = this.#current;
    if (socket === undefined) return;
    const connection = new Http2Connection(session, socket, this.#limits, this.#tally);
    this.#sessions.set(session, connection);
    this.#add(socket, connection);
  }

  /** @returns what the listeners have to wait for, undefined for nothing */
  stream(stream: ServerHttp2Stream): Promise<void> | undefined {
    const { session } = stream;
    return session === undefined ? undefined : this.#sessions.get(session)?.accept(stream);
  }

  /** @returns when the request may be processed: `later` lets Node parse what is pipelined behind it */
  request(request: IncomingMessage, response: ServerResponse): 'now' | 'later' | 'never' {
    const { socket } = request;
    const known = this.#connections.get(socket);
    // It was accepted before the server was handed to us.
    const connection = known instanceof Http1Connection ? known : this.#addHttp1(socket);
    if (!connection.accept(request, response)) return 'never';
    return this.#draining ? 'later' : 'now';
  }

  /** @returns whether the upgrade may be processed */
  upgraded(request: IncomingMessage): boolean {
    const { socket } = request;
    const known = this.#connections.get(socket);
    if (known instanceof Http1Connection && !known.admit(request)) {
      // Node has taken its own listener off: it takes the socket for the application's.
      socket.on('error', () => undefined);
      return false;
    }
    this.#addForeign(socket, request);
    return true;
  }

  #ready(socket: Socket, protocol: Protocol, next: () => boolean): boolean {
    if (protocol === 'http1') this.#addHttp1(socket);
    else if (protocol === 'foreign') this.#addForeign(socket, undefined);
    this.#current = socket;
    try {
      return next();
    } finally {
      this.#current = undefined;
    }
  }

  #addHttp1(socket: Socket): Http1Connection {
    const connection = new Http1Connection(socket, this.#limits, this.#tally);
    this.#add(socket, connection);
    return connection;
  }

  #addForeign(socket: Socket, request: IncomingMessage | undefined): void {
    this.#add(socket, new ForeignConnection(socket, request, this.#onUpgraded, this.#tally));
  }

  #add(socket: Socket, connection: Connection): void {
    const before = this.#connections.get(socket);
    if (before === undefined) socket.once('close', () => this.#remove(socket));
    else before.release();
    this.#connections.set(socket, connection);
    if (this.#draining) connection.drain();
  }

  #remove(socket: Socket): void {
    this.#connections.get(socket)?.release();
    this.#connections.delete(socket);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }
}

function protocolOf(server: Server): Protocol {
  if (server instanceof HttpServer || server instanceof HttpsServer) return 'http1';
  // Node exports no class of HTTP/2 servers; this method is only theirs.
  return 'updateSettings' in server ? 'http2' : 'foreign';
}
