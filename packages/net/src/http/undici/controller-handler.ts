import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Dispatcher } from 'undici';

import type { Limits } from '../limits.ts';
import { DispatchParty } from './dispatch-party.ts';
import { expectSocketOf } from './socket-of-request.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

/** Puts the clocks of an exchange around a handler of undici's newer kind (onRequestStart, onResponseStart, …). */
export class ControllerHandler implements Handler {
  readonly party: DispatchParty;
  readonly #handler: Handler;
  readonly #watchesBody: boolean;

  /** @param watchesBody somebody else says when the body has been given away: undici 7 does not tell such handlers */
  constructor(handler: Handler, limits: Limits, target: string, watchesBody: boolean) {
    this.#handler = handler;
    this.#watchesBody = watchesBody;
    this.party = new DispatchParty(limits, target, (error) =>
      // As undici itself does for a request that fails before it starts: there is no controller yet.
      this.#handler.onResponseError?.(null as unknown as Controller, error),
    );
  }

  onRequestStart(controller: Controller, context: unknown): void {
    if (!this.party.start((error) => controller.abort(error))) return;
    this.party.isSent = !this.#watchesBody;
    this.party.controller = controller;
    this.#handler.onRequestStart?.(controller, context);
    expectSocketOf(this.party);
  }

  onRequestUpgrade(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    this.party.end();
    this.#handler.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    message?: string,
  ): void {
    if (status >= 200) this.party.isAnswered = true;
    this.#handler.onResponseStart?.(controller, status, headers, message);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: IncomingHttpHeaders): void {
    this.party.end();
    this.#handler.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.party.end();
    if (!this.party.error) this.#handler.onResponseError?.(controller, error);
  }
}
