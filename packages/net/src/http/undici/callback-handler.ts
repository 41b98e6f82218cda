import type { Dispatcher } from 'undici';

import type { TimeoutError } from '../../timeout-error.ts';
import type { Limits } from '../limits.ts';
import { DispatchExchange } from './dispatch-exchange.ts';

type Handler = Dispatcher.DispatchHandler;

interface SentHandler extends Handler {
  onRequestSent?(): void;
}

/** An exchange that a handler of undici's older kind (onConnect, onHeaders, …) is told of. */
export class CallbackHandler extends DispatchExchange implements Handler {
  readonly #handler: SentHandler;

  constructor(handler: Handler, limits: Limits, target: string) {
    super(limits, target);
    this.#handler = handler;
  }

  protected override tell(error: TimeoutError): void {
    this.#handler.onError?.(error);
  }

  onConnect(abort: (error?: Error) => void, ...context: []): void {
    if (!this.start(abort)) return;
    this.#handler.onConnect?.(abort, ...context);
    this.started();
  }

  onBodySent(chunkSize: number, totalBytesSent: number): void {
    this.#handler.onBodySent?.(chunkSize, totalBytesSent);
  }

  onRequestSent(): void {
    this.hasSent = true;
    this.#handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    if (status >= 200) this.hasAnswer = true;
    if (!this.isMultiplexed) {
      return this.#handler.onHeaders?.(status, headers, resume, statusText) as boolean;
    }
    const resumeBoth = (): void => {
      this.hasPaused = false;
      resume();
    };
    return this.#noting(this.#handler.onHeaders?.(status, headers, resumeBoth, statusText));
  }

  onData(chunk: Buffer): boolean {
    return this.#noting(this.#handler.onData?.(chunk));
  }

  onUpgrade(...args: Parameters<NonNullable<Handler['onUpgrade']>>): void {
    this.end();
    this.#handler.onUpgrade?.(...args);
  }

  onComplete(trailers: string[] | null): void {
    this.end();
    this.#handler.onComplete?.(trailers);
  }

  onError(error: Error): void {
    this.end();
    if (!this.wasTold) this.#handler.onError?.(error);
  }

  /** undici takes `false`, and nothing else, for "pause". */
  #noting(wantsMore: boolean | undefined): boolean {
    if (wantsMore === false && this.isMultiplexed) this.hasPaused = true;
    return wantsMore as boolean;
  }
}
