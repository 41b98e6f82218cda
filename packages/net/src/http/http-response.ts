import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * A response whose body may still be on its way.
 *
 * A body that is not read holds its connection until `idle`, `read` or `total` ends it; `await using`, or
 * `await response[Symbol.asyncDispose]()`, lets go of it at once.
 */
export class HttpResponse implements AsyncDisposable {
  /** The status code, whatever it is: 404 and 500 are no errors here. */
  readonly status: number;
  /** Names in lower case, as node:http gives them. */
  readonly headers: IncomingHttpHeaders;
  /** The chunks of the body as they arrive; may be read once. Throws what ended the exchange. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly #message: IncomingMessage;

  /** @internal Use `request()`. */
  constructor(message: IncomingMessage, explain: (error: Error) => Error) {
    this.#message = message;
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.body = chunksOf(message, explain);
    // Without a listener, an error of a body that nobody reads would end the process.
    message.on('error', () => {});
  }

  /** The body to its end. */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.body) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The body to its end, as UTF-8. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /**
   * The body to its end, as JSON.
   * @throws SyntaxError when it is none
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
