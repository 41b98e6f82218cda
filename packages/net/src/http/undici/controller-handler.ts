import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Dispatcher } from 'undici';

import type { TimeoutError } from '../../timeout-error.ts';
import type { Limits } from '../limits.ts';
import { DispatchExchange } from './dispatch-exchange.ts';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

/** An exchange that a handler of undici's newer kind (onRequestStart, onResponseStart, …) is told of. */
export class ControllerHandler extends DispatchExchange implements Handler {
  readonly #handler: Handler;
  readonly #watchesBody: boolean;
  #controller: Controller | undefined;

  /** @param watchesBody somebody else says when the body has been given away: undici 7 does not tell such handlers */
  constructor(handler: Handler, limits: Limits, target: string, watchesBody: boolean) {
    super(limits, target);
    this.#handler = handler;
    this.#watchesBody = watchesBody;
  }

  protected override get isPaused(): boolean {
    return this.#controller?.paused ?? false;
  }

  protected override tell(error: TimeoutError): void {
    // As undici itself does for a request that fails before it starts: there is no controller yet.
    this.#handler.onResponseError?.(null as unknown as Controller, error);
  }

  onRequestStart(controller: Controller, context: unknown): void {
    if (!this.start((error) => controller.abort(error))) return;
    this.hasSent = !this.#watchesBody;
    this.#controller = controller;
    this.#handler.onRequestStart?.(controller, context);
    this.started();
  }

  onRequestUpgrade(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    this.end();
    this.#handler.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: IncomingHttpHeaders,
    message?: string,
  ): void {
    if (status >= 200) this.hasAnswer = true;
    this.#handler.onResponseStart?.(controller, status, headers, message);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: IncomingHttpHeaders): void {
    this.end();
    this.#handler.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.end();
    if (!this.wasTold) this.#handler.onResponseError?.(controller, error);
  }
}
