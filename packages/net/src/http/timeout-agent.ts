import http from 'node:http';
import https from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Timeouts } from '../timeouts.ts';
import { attemptTimeoutMs } from '../attempt-timeout.ts';
import { checkedLookup } from './checked-lookup.ts';
import { ConnectionWatch, connectionWatchOf } from './connection-watch.ts';
import { limitsOf, type Limits } from './limits.ts';
import { exchangeOf, watchRequest } from './node-exchange.ts';

/** Options of an agent of node:http or node:https, and the limits of each request that is made through it. */
export type TimeoutAgentOptions<T extends http.AgentOptions = http.AgentOptions> = Omit<
  T,
  'timeout'
> & { readonly timeouts: Timeouts };

/** Other limits for one request: an option that request() gives and these agents understand. */
export const LIMITS: unique symbol = Symbol('lastack limits');

export interface LimitedRequest {
  readonly [LIMITS]?: Limits;
}

type Arguments = http.ClientRequestArgs & LimitedRequest;
type OnCreate = (error: Error | null, stream: Duplex) => void;

/** Node's own global agent closes a pooled connection after 5 s, too. */
const POOLED_FOR_MS = 5000;

/**
 * An http.Agent that puts limits on every phase of its requests; for node:http and what builds on it (axios, got).
 *
 * A limit that ends destroys the socket and gives the request, or the reader of the response, a TimeoutError.
 * Connections are kept alive by default, without traffic for `timeouts.idle`, or 5 s.
 *
 * The error of a limit that ends during the body goes to the response ('error', or its reader), before that to the
 * request: give both a listener for 'error', since one without ends the process.
 * @throws RangeError when a limit is no positive number of milliseconds
 * @throws TypeError without `timeouts`, or for a name in it that is none of a phase
 * @example http.get(url, { agent: new HttpTimeoutAgent({ timeouts: { connect: 2000, headers: 5000, total: 30_000 } }) })
 */
export class HttpTimeoutAgent extends http.Agent {
  readonly #limits: Limits;

  constructor({ timeouts, ...options }: TimeoutAgentOptions) {
    const limits = limitsOf(timeouts);
    super(agentOptions(options));
    this.#limits = limits;
  }

  /** @internal Node's agents are asked for a socket here. */
  addRequest(request: http.ClientRequest, options: Arguments): void {
    addTimed(this, request, options, this.#limits);
  }

  /** @internal Node's agents make a connection here. */
  override createConnection(options: Arguments, callback?: OnCreate): Duplex | null | undefined {
    const limits = options[LIMITS] ?? this.#limits;
    const socket = super.createConnection(connectOptions(options, limits), callback);
    return watched(socket, options, limits, false);
  }

  /** @internal Node's agents ask here whether a connection goes back to the pool. */
  override keepSocketAlive(socket: Duplex): boolean {
    return rest(socket, this.#limits, super.keepSocketAlive(socket) as unknown as boolean);
  }

  /** @internal Node's agents take a connection out of the pool here. */
  override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
    connectionWatchOf(socket as Socket)?.leavePool();
    super.reuseSocket(socket, request);
  }
}

/** The same for https URLs. */
export class HttpsTimeoutAgent extends https.Agent {
  readonly #limits: Limits;

  constructor({ timeouts, ...options }: TimeoutAgentOptions<https.AgentOptions>) {
    const limits = limitsOf(timeouts);
    super(agentOptions(options));
    this.#limits = limits;
  }

  /** @internal Node's agents are asked for a socket here. */
  addRequest(request: http.ClientRequest, options: Arguments): void {
    addTimed(this, request, options, this.#limits);
  }

  /** @internal Node's agents make a connection here. */
  override createConnection(
    options: Arguments & https.RequestOptions,
    callback?: OnCreate,
  ): Duplex | null | undefined {
    const limits = options[LIMITS] ?? this.#limits;
    const socket = super.createConnection(connectOptions(options, limits), callback);
    return watched(socket, options, limits, true);
  }

  /** @internal Node's agents ask here whether a connection goes back to the pool. */
  override keepSocketAlive(socket: Duplex): boolean {
    return rest(socket, this.#limits, super.keepSocketAlive(socket) as unknown as boolean);
  }

  /** @internal Node's agents take a connection out of the pool here. */
  override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
    connectionWatchOf(socket as Socket)?.leavePool();
    super.reuseSocket(socket, request);
  }
}

/** What http.Agent has and @types/node does not tell. */
interface AgentInNode {
  addRequest(this: http.Agent, request: http.ClientRequest, options: Arguments): void;
}

const AGENT = http.Agent.prototype as unknown as AgentInNode;

function agentOptions<T extends http.AgentOptions>(options: T): T {
  return { keepAlive: true, scheduling: 'lifo', ...options };
}

/**
 * Bounds the rest in the pool. Node's own option for that would refresh a timer with every read and write.
 * @param kept what Node has decided: false, and it closes the connection
 */
function rest(socket: Duplex, limits: Limits, kept: boolean): boolean {
  const connection = connectionWatchOf(socket as Socket);
  if (!kept || !connection) return kept;
  connection.rest(limits.idle === Infinity ? POOLED_FOR_MS : limits.idle);
  return true;
}

function addTimed(
  agent: http.Agent,
  request: http.ClientRequest,
  options: Arguments,
  limits: Limits,
): void {
  watchRequest(request, agent, options[LIMITS] ?? limits, targetOf(options));
  try {
    AGENT.addRequest.call(agent, request, options);
  } catch (error) {
    // Options that cannot be: the caller never gets the request, which then has no clocks to keep the process alive.
    exchangeOf(request).end();
    throw error;
  }
}

function connectOptions<T extends { readonly lookup?: LookupFunction | undefined }>(
  options: T,
  limits: Limits,
): T {
  const autoSelectFamilyAttemptTimeout = attemptTimeoutMs(limits.connect);
  return {
    ...(autoSelectFamilyAttemptTimeout !== undefined && { autoSelectFamilyAttemptTimeout }),
    ...options,
    ...(options.lookup && { lookup: checkedLookup(options.lookup) }),
  };
}

function watched<T extends Duplex | null | undefined>(
  socket: T,
  options: Arguments,
  limits: Limits,
  tls: boolean,
): T {
  if (!socket) return socket;
  const host = options.socketPath ? undefined : hostOf(options);
  // Both agents make net.Sockets, whatever their types allow.
  void new ConnectionWatch(socket as unknown as Socket, limits, {
    host,
    tls,
    target: targetOf(options),
  });
  return socket;
}

function hostOf(options: Arguments): string {
  return options.hostname ?? options.host ?? 'localhost';
}

function targetOf(options: Arguments): string {
  return options.socketPath ?? `${hostOf(options)}:${options.port ?? options.defaultPort ?? ''}`;
}
