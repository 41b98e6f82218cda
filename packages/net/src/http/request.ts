import http, { type ClientRequest, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { pipeline, Readable } from 'node:stream';

import { ConnectionError, NetError } from '../net-error.ts';
import type { Timeouts } from '../timeouts.ts';
import { onAbort } from './abort-listeners.ts';
import { withFraming } from './body-framing.ts';
import { HttpResponse } from './http-response.ts';
import { limitsOf } from './limits.ts';
import { abandonRequest, exchangeOf } from './node-exchange.ts';
import { HttpsTimeoutAgent, HttpTimeoutAgent, LIMITS } from './timeout-agent.ts';

/** What to ask, and how long to wait for it. */
export interface HttpRequestOptions {
  /** Default GET. */
  readonly method?: string;
  /**
   * As `http.request()` takes them. With a body, `content-length` (a string, bytes) or `transfer-encoding: chunked` is
   * added, whatever the method, unless one of the two is there.
   */
  readonly headers?: OutgoingHttpHeaders;
  /** A string goes as UTF-8; an iterable is sent chunk by chunk, as fast as the peer takes it. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array | string>;
  /** Default: lookup, connect and tls 10 s; write, headers, read and idle 60 s; pool and total none. */
  readonly timeouts?: Timeouts;
  /** Ends the exchange, and destroys its socket, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Has the connections, and the options of TLS; default: one of the process, without a limit on connections. */
  readonly agent?: HttpTimeoutAgent | HttpsTimeoutAgent;
  /** Resolves names in place of dns.lookup(). */
  readonly lookup?: LookupFunction;
}

const DEFAULTS: Timeouts = {
  lookup: 10_000,
  connect: 10_000,
  tls: 10_000,
  write: 60_000,
  headers: 60_000,
  read: 60_000,
  idle: 60_000,
};

/** Connections that are kept alive between requests do not keep the process alive, and close after 5 s. */
const sharedAgents: { 'http:'?: HttpTimeoutAgent; 'https:'?: HttpsTimeoutAgent } = {};

/**
 * One HTTP/1.1 exchange over node:http, with a limit on every phase. Follows no redirects and decodes no compression.
 * @returns when the head of the response is here; the limits go on until its last byte
 * @throws TimeoutError of the phase that took too long; its socket is destroyed
 * @throws ConnectionError refused, reset, unreachable, …; closed before a response: code ECONNRESET
 * @throws RangeError or TypeError for options that cannot be
 * @example
 * const response = await request('https://example.org/', { timeouts: { connect: 2000, total: 10_000 } });
 * const page = await response.text();
 */
export async function request(
  url: string | URL,
  options: HttpRequestOptions = {},
): Promise<HttpResponse> {
  const { signal } = options;
  signal?.throwIfAborted();
  const outgoing = start(new URL(url), options);
  /** What the socket said: of an error in the middle of the body Node tells the reader only "aborted". */
  let failure: Error | undefined;
  const explain = (error: Error): Error => explained(error, failure, outgoing);
  if (signal) {
    const forget = onAbort(signal, () => abandonRequest(outgoing, signal.reason as Error));
    outgoing.on('close', forget);
  }
  return new Promise((resolve, reject) => {
    outgoing.on('response', (message) => resolve(new HttpResponse(message, explain)));
    outgoing.on('error', (error) => {
      failure ??= error;
      reject(explain(error));
    });
    send(outgoing, options.body);
  });
}

function start(url: URL, options: HttpRequestOptions): ClientRequest {
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError(`request() speaks http: and https:, not ${protocol}`);
  }
  const { method, lookup, agent = sharedAgent(protocol), timeouts } = options;
  if (!(agent instanceof HttpTimeoutAgent || agent instanceof HttpsTimeoutAgent)) {
    throw new TypeError('agent must be an HttpTimeoutAgent, or for https: an HttpsTimeoutAgent');
  }
  const limits = timeouts || !options.agent ? limitsOf(timeouts ?? {}, DEFAULTS) : undefined;
  return (protocol === 'http:' ? http : https).request(url, {
    agent,
    ...(method !== undefined && { method }),
    headers: withFraming(options.headers, options.body),
    ...(lookup && { lookup }),
    ...(limits && { [LIMITS]: limits }),
  });
}

function sharedAgent(protocol: 'http:' | 'https:'): HttpTimeoutAgent | HttpsTimeoutAgent {
  return protocol === 'http:'
    ? (sharedAgents[protocol] ??= new HttpTimeoutAgent({ timeouts: {} }))
    : (sharedAgents[protocol] ??= new HttpsTimeoutAgent({ timeouts: {} }));
}

function send(outgoing: ClientRequest, body: HttpRequestOptions['body']): void {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  const source = Readable.from(body);
  // Before the pipeline destroys the request, of which the reader of a response would hear as "aborted".
  source.on('error', (error) => abandonRequest(outgoing, error));
  pipeline(source, outgoing, () => {});
}

/** Node says "socket hang up" and "aborted" where the peer closed the connection early. */
function explained(error: Error, failure: Error | undefined, outgoing: ClientRequest): Error {
  const isEarlyClose = 'code' in error && error.code === 'ECONNRESET';
  if (error instanceof NetError || !isEarlyClose) return error;
  if (failure instanceof NetError) return failure;
  const exchange = exchangeOf(outgoing);
  const message = `${exchange.target} closed the connection before its response was complete`;
  const safeToRetry = exchange.bytesWritten() === 0;
  return new ConnectionError('ECONNRESET', message, { cause: error, safeToRetry });
}
