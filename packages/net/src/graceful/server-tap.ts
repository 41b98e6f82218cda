import type { EventEmitter } from 'node:events';

/**
 * Sees every event of a server before its listeners, wherever they were added, and may keep it from them.
 *
 * A listener of our own could not: others can be prepended before it, a listener of `checkContinue` changes what
 * Node does, and a request that must not be processed any more has to be kept from all of them.
 * @param tap calls `next` to give the event to the listeners; returns what `emit` returns
 * @returns takes the tap out
 */
export function tapServer(
  server: EventEmitter,
  tap: (event: string | symbol, args: readonly unknown[], next: () => boolean) => boolean,
): () => void {
  const before = Object.getOwnPropertyDescriptor(server, 'emit');
  const emit = server.emit.bind(server);
  const tapped = (event: string | symbol, ...args: unknown[]): boolean =>
    tap(event, args, () => emit(event, ...args));
  server.emit = tapped;
  return () => {
    if (server.emit !== tapped) return;
    if (before === undefined) Reflect.deleteProperty(server, 'emit');
    else Object.defineProperty(server, 'emit', before);
  };
}
