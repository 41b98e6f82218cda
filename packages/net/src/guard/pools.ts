import dc from 'node:diagnostics_channel';
import net from 'node:net';
import { type Handle, ownerOf } from './handle.ts';

/** undici, and so fetch, says which sockets are its own. */
const CHANNEL = 'undici:client:connected';

/** Tells the sockets that an HTTP client keeps for the next request from those that somebody forgot. */
export class Pools implements Disposable {
  readonly #undici = new WeakSet();

  constructor() {
    dc.subscribe(CHANNEL, this.#noteUndici);
  }

  #noteUndici = (message: unknown): void => {
    const { socket } = message as { socket?: unknown };
    if (socket instanceof net.Socket) this.#undici.add(socket);
  };

  /** Which HTTP client has the socket, idle or not. */
  clientOf(handle: Handle): 'fetch' | 'http' | undefined {
    const owner = ownerOf(handle);
    if (!(owner instanceof net.Socket)) return undefined;
    if (this.#undici.has(owner)) return 'fetch';
    // http.Agent listens for it on each of its sockets.
    return owner.listenerCount('agentRemove') > 0 ? 'http' : undefined;
  }

  /** Both clients unref a socket while it is idle, so that it does not keep the program alive. */
  isIdle(handle: Handle): boolean {
    return handle.hasRef?.() === false && this.clientOf(handle) !== undefined;
  }

  [Symbol.dispose](): void {
    dc.unsubscribe(CHANNEL, this.#noteUndici);
  }
}

const POOLS =
  /[\\/]node_modules[\\/](pg-pool|generic-pool|tarn|mysql2?[\\/]lib[\\/](base[\\/])?pool|mongodb[\\/]lib[\\/]cmap|mongodb[\\/]src[\\/]cmap)\b/i;

/** Made by a library that keeps connections for all tests of a file, so that a test that made one has not forgotten it. */
export function isOfPoolLibrary(stack: string): boolean {
  return POOLS.test(stack);
}
