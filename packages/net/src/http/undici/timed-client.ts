import { Client, type buildConnector, type Dispatcher } from 'undici';

import { CallbackHandler } from './callback-handler.ts';
import type { DispatchParty } from './dispatch-party.ts';
import { Line } from './line.ts';

/** Carries the party through the layers of undici that wrap a handler of the newer kind. */
export const PARTY: unique symbol = Symbol('lastack party');

export type PartyOptions = Dispatcher.DispatchOptions & { readonly [PARTY]?: DispatchParty };

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

  override dispatch(options: PartyOptions, handler: Dispatcher.DispatchHandler): boolean {
    const party = handler instanceof CallbackHandler ? handler.party : options[PARTY];
    party?.assign(this.#line);
    return super.dispatch(options, handler);
  }
}
