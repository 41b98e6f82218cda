import type { LookupFunction, Socket } from 'node:net';

import { Agent, buildConnector, Dispatcher, Pool } from 'undici';

import type { Timeouts } from '../../timeouts.ts';
import { attemptTimeoutMs } from '../../attempt-timeout.ts';
import { checkedLookup } from '../checked-lookup.ts';
import { ConnectionWatch } from '../connection-watch.ts';
import { limitsOf, type Limits } from '../limits.ts';
import { isStreamed, withEnd } from './body-end.ts';
import { CallbackHandler } from './callback-handler.ts';
import { ControllerHandler } from './controller-handler.ts';
import { learnSockets } from './socket-of-request.ts';
import { type Connect, EXCHANGE, type TimedOptions, TimedClient } from './timed-client.ts';

type Handler = Dispatcher.DispatchHandler;
type Options = Dispatcher.DispatchOptions;
type Dispatch = (options: Options, handler: Handler) => boolean;

/** undici's options of an Agent; `connect` as options, since a function of yours could not be looked into. */
export interface TimeoutDispatcherOptions extends Omit<Agent.Options, 'connect' | 'factory'> {
  /** How undici connects: `lookup`, `localAddress`, and the options of TLS. */
  readonly connect?: buildConnector.BuildOptions;
}

/**
 * A dispatcher with a limit on every phase of its exchanges, for undici and for fetch.
 *
 * A limit that ends destroys the socket, also one that is being connected; the caller, or the reader of the body, gets
 * the TimeoutError (from fetch as the `cause` of its TypeError). `total` covers the body to its last byte.
 *
 * Given options it makes an undici Agent, and all nine limits hold. Given a dispatcher it puts its limits around that;
 * `lookup`, `connect` and `tls` are inside and cannot be bounded from there, nor can a connection that is being made be
 * destroyed. Over HTTP/2, silence and bytes are those of the connection, and the stream is what is destroyed.
 *
 * With undici 7, Node's own fetch (20, 22, 24, 26) takes the dispatcher too, as an option or from setGlobalDispatcher();
 * with undici 8 that of Node 26 does. Where @types/node is of another undici, TypeScript refuses the option: take `fetch` of
 * undici, as here, or write `dispatcher: dispatcher as never`. `total` counts each hop anew when fetch follows a redirect.
 * @throws RangeError when a limit is no positive number of milliseconds
 * @throws TypeError without `timeouts`, for a name in it that is none of a phase, or when a dispatcher is given limits that it cannot keep
 * @example
 * import { fetch } from 'undici';
 * const dispatcher = timeoutDispatcher({}, { lookup: 1000, connect: 2000, headers: 5000, total: 30_000 });
 * const text = await (await fetch(url, { dispatcher })).text();
 */
export function timeoutDispatcher(
  dispatcher: Dispatcher | TimeoutDispatcherOptions,
  timeouts: Timeouts,
): Dispatcher {
  const limits = limitsOf(timeouts);
  if (!isDispatcher(dispatcher)) return new TimeoutAgent(dispatcher, limits);
  for (const phase of ['lookup', 'connect', 'tls'] as const) {
    if (timeouts[phase] !== undefined) {
      throw new TypeError(
        `timeouts.${phase} cannot be kept around a dispatcher: give timeoutDispatcher() the options of the Agent instead`,
      );
    }
  }
  learnSockets();
  return new TimeoutAround(dispatcher, limits);
}

/** Not by class: Node's own fetch, and another undici, have others. */
function isDispatcher(value: Dispatcher | TimeoutDispatcherOptions): value is Dispatcher {
  return 'dispatch' in value && typeof value.dispatch === 'function';
}

class TimeoutAgent extends Agent {
  readonly #limits: Limits;
  readonly #dispatch: Dispatch;

  constructor(options: TimeoutDispatcherOptions, limits: Limits) {
    super(agentOptions(options, limits));
    this.#limits = limits;
    this.#dispatch = (options, handler) => super.dispatch(options, handler);
  }

  override dispatch(options: Options, handler: Handler): boolean {
    return dispatchTimed(this.#dispatch, this.#limits, options, handler);
  }
}

class TimeoutAround extends Dispatcher {
  readonly #inner: Dispatcher;
  readonly #limits: Limits;
  readonly #dispatch: Dispatch;

  constructor(inner: Dispatcher, limits: Limits) {
    super();
    this.#inner = inner;
    this.#limits = limits;
    this.#dispatch = (options, handler) => inner.dispatch(options, handler);
  }

  override dispatch(options: Options, handler: Handler): boolean {
    return dispatchTimed(this.#dispatch, this.#limits, options, handler);
  }

  override close(...args: []): Promise<void> {
    return this.#inner.close(...args);
  }

  override destroy(...args: []): Promise<void> {
    return this.#inner.destroy(...args);
  }
}

function dispatchTimed(
  dispatch: Dispatch,
  limits: Limits,
  options: Options,
  handler: Handler,
): boolean {
  const target = String(options.origin);
  // The handler is of the kind that its maker chose: each kind goes through the layers of undici unchanged.
  if (handler.onRequestStart) {
    const watchesBody = isStreamed(options.body);
    const timed = new ControllerHandler(handler, limits, target, watchesBody);
    const body = withEnd(options.body, () => {
      timed.hasSent = true;
    });
    const timedOptions: TimedOptions = { ...options, body: body as never, [EXCHANGE]: timed };
    return dispatch(timedOptions, timed);
  }
  return dispatch(options, new CallbackHandler(handler, limits, target));
}

function agentOptions(options: TimeoutDispatcherOptions, limits: Limits): Agent.Options {
  if (typeof options.connect === 'function') {
    throw new TypeError(
      'timeoutDispatcher() takes the options of a connection, not a function that makes one',
    );
  }
  const connect = connectorWith(options, limits);
  const newClient = (origin: string | URL, given: object): TimedClient =>
    new TimedClient(origin, given, connect);
  return {
    ...poolingOptions(options, limits),
    // A pool even of one: what waits for its connection must wait outside the client.
    factory: (origin, given: Pool.Options) => new Pool(origin, { ...given, factory: newClient }),
  };
}

/** undici's own limits would be a second opinion, 0.5 s late: they are off where there is one of ours. */
function poolingOptions(options: TimeoutDispatcherOptions, limits: Limits): Agent.Options {
  const { connect: _, ...rest } = options;
  const bounds: Pick<Agent.Options, 'headersTimeout' | 'bodyTimeout'> = {};
  if (Math.min(limits.headers, limits.read, limits.total) < Infinity) {
    bounds.headersTimeout = 0;
    bounds.bodyTimeout = 0;
  }
  if (limits.idle === Infinity) return { ...bounds, ...rest };
  const { keepAliveTimeout = 4000, keepAliveMaxTimeout = 600_000 } = options;
  return {
    ...bounds,
    ...rest,
    keepAliveTimeout: Math.min(keepAliveTimeout, limits.idle),
    keepAliveMaxTimeout: Math.min(keepAliveMaxTimeout, limits.idle),
  };
}

function connectorWith(options: TimeoutDispatcherOptions, limits: Limits): Connect {
  const attemptTimeout = attemptTimeoutMs(limits.connect);
  const hasOurs = Math.min(limits.connect, limits.tls, limits.total) < Infinity;
  const { allowH2, autoSelectFamily, connectTimeout, maxCachedSessions, socketPath } = options;
  // Of a Unix socket the type has none.
  const { lookup } = (options.connect ?? {}) as { readonly lookup?: LookupFunction };
  const connect = buildConnector({
    allowH2,
    maxCachedSessions,
    socketPath,
    timeout: hasOurs ? 0 : connectTimeout,
    ...(autoSelectFamily !== undefined && { autoSelectFamily }),
    ...(attemptTimeout !== undefined && { autoSelectFamilyAttemptTimeout: attemptTimeout }),
    ...options.connect,
    ...(lookup && { lookup: checkedLookup(lookup) }),
  } as buildConnector.BuildOptions);
  return (to, callback) => {
    // Typed as void; it returns the socket.
    const socket = connect(to, callback) as unknown as Socket;
    const tls = to.protocol === 'https:';
    void new ConnectionWatch(socket, limits, {
      host: to.hostname,
      tls,
      target: `${to.hostname}:${to.port || (tls ? 443 : 80)}`,
    });
    return socket;
  };
}
