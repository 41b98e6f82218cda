import type { Dispatcher } from 'undici';

import type { Limits } from '../limits.ts';
import { DispatchParty } from './dispatch-party.ts';
import { expectSocketOf } from './socket-of-request.ts';

type Handler = Dispatcher.DispatchHandler;

interface SentHandler extends Handler {
  onRequestSent?(): void;
}

/** Puts the clocks of an exchange around a handler of undici's older kind (onConnect, onHeaders, …). */
export class CallbackHandler implements Handler {
  readonly party: DispatchParty;
  readonly #handler: SentHandler;

  constructor(handler: Handler, limits: Limits, target: string) {
    this.#handler = handler;
    this.party = new DispatchParty(limits, target, (error) => this.#handler.onError?.(error));
  }

  onConnect(abort: (error?: Error) => void, ...context: []): void {
    if (!this.party.start(abort)) return;
    this.#handler.onConnect?.(abort, ...context);
    expectSocketOf(this.party);
  }

  onBodySent(chunkSize: number, totalBytesSent: number): void {
    this.#handler.onBodySent?.(chunkSize, totalBytesSent);
  }

  onRequestSent(): void {
    this.party.isSent = true;
    this.#handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    const { party } = this;
    if (status >= 200) party.isAnswered = true;
    const resumeBoth = (): void => {
      party.hasPaused = false;
      resume();
    };
    const wantsMore = this.#handler.onHeaders?.(status, headers, resumeBoth, statusText);
    return this.#pausedUnless(wantsMore);
  }

  onData(chunk: Buffer): boolean {
    return this.#pausedUnless(this.#handler.onData?.(chunk));
  }

  onUpgrade(...args: Parameters<NonNullable<Handler['onUpgrade']>>): void {
    this.party.end();
    this.#handler.onUpgrade?.(...args);
  }

  onComplete(trailers: string[] | null): void {
    this.party.end();
    this.#handler.onComplete?.(trailers);
  }

  onError(error: Error): void {
    this.party.end();
    if (!this.party.error) this.#handler.onError?.(error);
  }

  /** undici takes `false`, and nothing else, for "pause". */
  #pausedUnless(wantsMore: boolean | undefined): boolean {
    this.party.hasPaused = wantsMore === false;
    return wantsMore as boolean;
  }
}
