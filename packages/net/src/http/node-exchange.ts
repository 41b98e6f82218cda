/* oxlint-disable eslint/no-underscore-dangle -- Node's name for what a stream may override */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import { connectionWatchOf } from './connection-watch.ts';
import { Exchange } from './exchange.ts';
import type { Limits } from './limits.ts';

const EXCHANGE = Symbol('lastack exchange');

type Timed = ClientRequest & { [EXCHANGE]: NodeExchange };

/** Puts the clocks of an exchange on a request of node:http, before its agent has given it a socket. */
export function watchRequest(
  request: ClientRequest,
  agent: Agent,
  limits: Limits,
  target: string,
): void {
  (request as Timed)[EXCHANGE] = new NodeExchange(request, agent, limits, target);
  request.on('socket', onSocket);
  request.on('response', onResponse);
  request.on('close', onClose);
}

/** Ends the exchange with this error, wherever it is, and destroys its socket. */
export function abandonRequest(request: ClientRequest, error: Error): void {
  (request as Timed)[EXCHANGE].abandon(error);
}

/** The exchange of a request that was watched. */
export function exchangeOf(request: ClientRequest): Exchange {
  return (request as Timed)[EXCHANGE];
}

function onSocket(this: Timed, socket: Socket): void {
  this[EXCHANGE].attach(socket);
}

function onResponse(this: Timed, response: IncomingMessage): void {
  this[EXCHANGE].response = response;
  // Node reads away a response that nobody listens for; with this listener there is somebody.
  if (this.listenerCount('response') === 1) response.resume();
}

function onClose(this: Timed): void {
  const { response } = this[EXCHANGE];
  const connection = this.socket && connectionWatchOf(this.socket);
  connection?.noteKeepAlive(response?.headers['keep-alive']);
  this[EXCHANGE].end();
}

/**
 * Gives the reader of a response this error. Destroying the request would give it "aborted", and Node's own way to destroy
 * a response emits 'aborted' first, of which axios and got make an error that has forgotten the cause.
 */
function destroyResponse(response: IncomingMessage, error: Error): void {
  response._destroy = (failure, callback) => {
    response.socket.destroy(failure ?? undefined);
    // As Node does it: an error that nobody listens for is kept for the reader to come.
    process.nextTick(() => callback(response.listenerCount('error') > 0 ? failure : null));
  };
  response.destroy(error);
}

/** How Node's agents tell a request that it gets no socket; @types/node does not know the error. */
interface RequestInNode {
  onSocket(socket: null, error: Error): void;
}

class NodeExchange extends Exchange {
  response: IncomingMessage | undefined;
  readonly #request: ClientRequest;
  readonly #agent: Agent;

  constructor(request: ClientRequest, agent: Agent, limits: Limits, target: string) {
    super(limits, target);
    this.#request = request;
    this.#agent = agent;
  }

  protected get isSent(): boolean {
    return this.#request.writableFinished;
  }

  protected get isAnswered(): boolean {
    return this.response !== undefined;
  }

  protected get isReceived(): boolean {
    return this.response?.complete === true;
  }

  protected get isPaused(): boolean {
    const { response } = this;
    return response !== undefined && response.readableLength >= response.readableHighWaterMark;
  }

  abandon(error: Error): void {
    const request = this.#request;
    if (this.response) destroyResponse(this.response, error);
    else if (request.socket) request.destroy(error);
    else this.#leaveQueue(error);
  }

  /** A request that waits for a socket is told of its error only with the socket, unless the agent gives it up. */
  #leaveQueue(error: Error): void {
    const queues = this.#agent.requests as NodeJS.Dict<unknown[]>;
    for (const [name, queue] of Object.entries(queues)) {
      const index = queue?.indexOf(this.#request) ?? -1;
      if (!queue || index < 0) continue;
      queue.splice(index, 1);
      if (queue.length === 0) delete queues[name];
      (this.#request as unknown as RequestInNode).onSocket(null, error);
      return;
    }
    this.#request.destroy(error);
  }
}
