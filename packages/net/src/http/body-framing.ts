import type { OutgoingHttpHeaders } from 'node:http';

import type { HttpRequestOptions } from './request.ts';

/**
 * The header fields with one that says where the body ends (RFC 9112 §6), unless there is one already.
 *
 * node:http adds none for GET, HEAD, DELETE, OPTIONS and TRACE: the server would take the body for the next request.
 * @throws TypeError for headers that node:http would take otherwise, or not at all
 */
export function withFraming(
  headers: OutgoingHttpHeaders = {},
  body: HttpRequestOptions['body'],
): OutgoingHttpHeaders {
  if (Symbol.iterator in headers) {
    throw new TypeError('headers must be an object of names and values: Object.fromEntries(…)');
  }
  if (body === undefined) return headers;
  const isFramed = Object.keys(headers).some((name) =>
    /^(?:content-length|transfer-encoding)$/i.test(name),
  );
  if (isFramed) return headers;
  return typeof body === 'string' || body instanceof Uint8Array
    ? { ...headers, 'content-length': Buffer.byteLength(body) }
    : { ...headers, 'transfer-encoding': 'chunked' };
}
