import { Client, type buildConnector, type Dispatcher } from 'undici';

import { CallbackHandler } from './callback-handler.ts';
import type { DispatchExchange } from './dispatch-exchange.ts';
import { Line } from './line.ts';

/** Carries the exchange through the layers of undici that wrap a handler of the newer kind. */
export const EXCHANGE: unique symbol = Symbol('lastack exchange');

export type TimedOptions = Dispatcher.DispatchOptions & { readonly [EXCHANGE]?: DispatchExchange };

/** Makes a socket and returns it at once, though it is still connecting. */
export type Connect = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => Line['socket'];

/** undici's client of one connection, which tells each exchange when it has been given that connection, and which. */
export class TimedClient extends Client {
  readonly #line: Line;

  constructor(origin: string | URL, options: Client.Options, connect: Connect) {
    const line = new Line();
    super(origin, {
      ...options,
      connect: (to, callback) => {
        line.socket = connect(to, callback);
      },
    });
    this.#line = line;
  }

  override dispatch(options: TimedOptions, handler: Dispatcher.DispatchHandler): boolean {
    const exchange = handler instanceof CallbackHandler ? handler : options[EXCHANGE];
    exchange?.assign(this.#line);
    return super.dispatch(options, handler);
  }
}
