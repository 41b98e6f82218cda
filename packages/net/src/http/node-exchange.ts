import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import type { TimeoutError } from '../timeout-error.ts';
import { Exchange, type Party } from './exchange.ts';
import type { Limits } from './limits.ts';

const EXCHANGE = Symbol('lastack exchange');

type Watched = ClientRequest & { [EXCHANGE]: NodeExchange };

/** Puts the clocks of an exchange on a request of node:http, before its agent has given it a socket. */
export function watchRequest(
  request: ClientRequest,
  agent: Agent,
  limits: Limits,
  target: string,
): void {
  (request as Watched)[EXCHANGE] = new NodeExchange(request, agent, limits, target);
  request.on('socket', onSocket);
  request.on('response', onResponse);
  request.on('close', onClose);
}

function onSocket(this: Watched, socket: Socket): void {
  this[EXCHANGE].exchange.attach(socket);
}

function onResponse(this: Watched, response: IncomingMessage): void {
  this[EXCHANGE].response = response;
  // Node reads away a response that nobody listens for; with this listener there is somebody.
  if (this.listenerCount('response') === 1) response.resume();
}

function onClose(this: Watched): void {
  this[EXCHANGE].exchange.end();
}

/** How Node's agents tell a request that it gets no socket; @types/node does not know the error. */
interface RequestInNode {
  onSocket(socket: null, error: Error): void;
}

class NodeExchange implements Party {
  readonly exchange: Exchange;
  response: IncomingMessage | undefined;
  readonly #request: ClientRequest;
  readonly #agent: Agent;

  constructor(request: ClientRequest, agent: Agent, limits: Limits, target: string) {
    this.#request = request;
    this.#agent = agent;
    this.exchange = new Exchange(this, limits, target);
  }

  get isSent(): boolean {
    return this.#request.writableFinished;
  }

  get isAnswered(): boolean {
    return this.response !== undefined;
  }

  get isReceived(): boolean {
    return this.response?.complete === true;
  }

  get isPaused(): boolean {
    const { response } = this;
    return response !== undefined && response.readableLength >= response.readableHighWaterMark;
  }

  abandon(error: TimeoutError): void {
    const request = this.#request;
    // A response that is destroyed gives its reader this error; a request would give it "aborted".
    if (this.response) this.response.destroy(error);
    else if (request.socket) request.destroy(error);
    else this.#leaveQueue(error);
  }

  /** A request that waits for a socket is told of its error only with the socket, unless the agent gives it up. */
  #leaveQueue(error: TimeoutError): void {
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
