import type { Readable } from 'node:stream';

/** Whether a body comes in pieces, over time. */
export function isStreamed(body: unknown): boolean {
  return isStream(body) || isAsyncIterable(body);
}

/** The same body, of which the end is told. */
export function withEnd<T>(body: T, onEnd: () => void): T {
  if (isStream(body)) {
    body.once('end', onEnd);
    return body;
  }
  return isAsyncIterable(body) ? (endTold(body, onEnd) as T) : body;
}

async function* endTold(
  body: AsyncIterable<unknown>,
  onEnd: () => void,
): AsyncGenerator<unknown, void, undefined> {
  yield* body;
  onEnd();
}

function isStream(body: unknown): body is Readable {
  return typeof (body as Readable | null | undefined)?.pipe === 'function';
}

function isAsyncIterable(body: unknown): body is AsyncIterable<unknown> {
  return typeof (body as Readable | null | undefined)?.[Symbol.asyncIterator] === 'function';
}
