import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

interface Starting {
  attach(socket: Socket): void;
}

/**
 * The socket of a request on a dispatcher that we did not make: undici publishes it as it writes the head, in the same
 * turn in which it starts the handler.
 * https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md
 */
let isListening = false;
let starting: Starting | undefined;

export function learnSockets(): void {
  if (isListening) return;
  isListening = true;
  subscribe('undici:client:sendHeaders', (message) => {
    starting?.attach((message as { readonly socket: Socket }).socket);
    starting = undefined;
  });
}

/** To be called when the handler of the request has been started; undefined: its socket is known. */
export function expectSocketOf(exchange: Starting | undefined): void {
  starting = isListening ? exchange : undefined;
}
