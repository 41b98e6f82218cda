import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * A response whose body may still be on its way.
 *
 * A body that is not read holds its connection until `idle` ends it, or `total` while some of it is still to come. `read`
 * is about a peer that sends nothing: it does not count while what the peer has sent waits for its reader. `await using`,
 * or `await response[Symbol.asyncDispose]()`, lets go of the connection at once.
 */
export class HttpResponse implements AsyncDisposable {
  /** The status code, whatever it is: 404 and 500 are no errors here. */
  readonly status: number;
  /** Names in lower case, as node:http gives them. */
  readonly headers: IncomingHttpHeaders;
  /** The chunks of the body as they arrive; may be read once, a second time is a TypeError. Throws what ended the exchange. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly #message: IncomingMessage;

  /** @internal Use `request()`. */
  constructor(message: IncomingMessage, explain: (error: Error) => Error) {
    this.#message = message;
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.body = readOnce(chunksOf(message, explain));
    // Without a listener, an error of a body that nobody reads would end the process.
    message.on('error', () => {});
  }

  /**
   * The body to its end.
   * @throws TypeError when it was read before
   */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.body) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /**
   * The body to its end, as UTF-8.
   * @throws TypeError when it was read before
   */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /**
   * The body to its end, as JSON.
   * @throws SyntaxError when it is none
   * @throws TypeError when it was read before
   */
  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  /** Reads away what is here already, else destroys the connection; returns when the response is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const message = this.#message;
    if (message.closed) return;
    const closed = once(message, 'close');
    if (message.complete) message.resume();
    else message.destroy();
    await closed;
  }
}

/** A generator that has ended would give a second reader an empty body. */
function readOnce<T>(chunks: AsyncIterable<T>): AsyncIterable<T> {
  let isTaken = false;
  return {
    [Symbol.asyncIterator]() {
      if (isTaken) throw new TypeError('body already read: keep what the first reading gave');
      isTaken = true;
      return chunks[Symbol.asyncIterator]();
    },
  };
}

async function* chunksOf(
  message: IncomingMessage,
  explain: (error: Error) => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of message) yield chunk as Uint8Array;
  } catch (error) {
    throw error instanceof Error ? explain(error) : error;
  }
}
