import type { Events, Methods } from './protocol.ts';

/** What carries the messages of a session. */
export interface Channel {
  send(text: string): void;
  onMessage: (text: string) => void;
  onClose: () => void;
}

export interface SessionLimits {
  /** When everything must be done, by `performance.now()`. */
  readonly deadline: number;
  /** A call that takes longer is given up, ms. */
  readonly callMs: number;
}

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

/** The inspector did not do what it was asked. */
export class InspectorError extends Error {
  override readonly name = 'InspectorError';
}

/** A conversation with an inspector: calls with a time-out each, and events. */
export class Session {
  readonly #channel: Channel;
  readonly #limits: SessionLimits;
  readonly #pending = new Map<number, Pending>();
  readonly #handlers = new Map<string, (params: never) => void>();
  #calls = 0;
  #isClosed = false;
  /** Called when the other side has closed. */
  onClose: () => void = () => {};

  constructor(channel: Channel, limits: SessionLimits) {
    this.#channel = channel;
    this.#limits = limits;
    channel.onMessage = (text) => this.#receive(text);
    channel.onClose = () => this.#close();
  }

  /** How many calls were made. */
  get calls(): number {
    return this.#calls;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Time that is left, ms; negative when it is over. */
  get timeLeftMs(): number {
    return this.#limits.deadline - performance.now();
  }

  on<Name extends keyof Events>(name: Name, handler: (params: Events[Name]) => void): void {
    this.#handlers.set(name, handler);
  }

  /** @param patienceMs overrides both limits, for what must be done even when time is over */
  call<Name extends keyof Methods>(
    method: Name,
    params: Methods[Name][0],
    patienceMs = Math.min(this.#limits.callMs, this.timeLeftMs),
  ): Promise<Methods[Name][1]> {
    if (this.#isClosed) return Promise.reject(new InspectorError('the inspector has closed'));
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#pending.delete(id);
          reject(new InspectorError(`${method} took longer than ${Math.round(patienceMs)} ms`));
        },
        Math.max(0, patienceMs),
      );
      this.#pending.set(id, { resolve, reject, timer });
      this.#channel.send(JSON.stringify({ id, method, params }));
    });
  }

  #receive(text: string): void {
    const { id, method, params, result, error } = parseMessage(text);
    if (id === undefined) {
      if (method !== undefined) this.#handlers.get(method)?.(params as never);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (error === undefined) pending.resolve(result as never);
    else pending.reject(new InspectorError(error.message ?? 'the inspector refused'));
  }

  #close(): void {
    this.#isClosed = true;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new InspectorError('the inspector has closed'));
    }
    this.#pending.clear();
    this.onClose();
  }
}

function parseMessage(text: string): Message {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null ? message : {};
  } catch {
    return {};
  }
}
