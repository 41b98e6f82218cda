import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * Puts `Connection: close` into the head of a response if, when the head is written, `isLast` says so.
 *
 * The decision waits for that moment since the requests that a client has pipelined behind this one must be
 * answered: after a head with `Connection: close` nothing may follow (RFC 9112 §9.6).
 */
export function announceClose(response: ServerResponse, isLast: () => boolean): void {
  if (response.headersSent) return;
  // Every head goes through it: write() and end() call it for those that did not.
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  response.writeHead = (...args: unknown[]) => {
    if (response.headersSent || !isLast()) return writeHead(...args);
    response.setHeader('Connection', 'close');
    return writeHead(...args.map((arg) => (isHeaders(arg) ? withoutConnection(arg) : arg)));
  };
}

function isHeaders(arg: unknown): arg is Headers {
  return typeof arg === 'object' && arg !== null;
}

/** A proxy that copies its upstream's header fields would otherwise say `keep-alive`. */
function withoutConnection(headers: Headers): Headers {
  if (!Array.isArray(headers)) {
    return Object.fromEntries(Object.entries(headers).filter(([name]) => !isConnection(name)));
  }
  return headers.filter((_, at) => !isConnection(headers[at - (at % 2)]));
}

function isConnection(name: unknown): boolean {
  return typeof name === 'string' && /^(?:connection|keep-alive)$/i.test(name);
}
