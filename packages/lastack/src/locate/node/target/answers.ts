import type { HttpClient } from '@lastack/core';

/** What reads the target's objects, as the probe does: own data properties, no getter, no proxy. */
export interface DataReader {
  readonly isObject: (value: unknown) => value is object;
  readonly ownData: (object: unknown, key: PropertyKey) => unknown;
}

/**
 * Part of the probe, sent as text like it: the answer that a client's connection is busy with. Sockets do not say whose they
 * are, but undici and Node's http keep the request with them, and the request what it has made of the answer.
 */
export function makeAnswers({ isObject, ownData }: DataReader) {
  const hidden = (object: unknown, description: string): unknown => {
    if (!isObject(object)) return undefined;
    const keys = Object.getOwnPropertySymbols(object);
    return ownData(object, keys.find((key) => key.description === description) ?? '');
  };

  /** The request of undici that a socket is busy with: Request in undici/lib/core/request.js. */
  const undiciHandler = (socket: object): object | null => {
    const client = hidden(socket, 'client');
    const request = ownData(hidden(client, 'queue'), String(hidden(client, 'running index')));
    if (ownData(request, 'completed') !== false) return null;
    const handler = hidden(request, 'handler') ?? ownData(request, 'handler');
    return isObject(handler) ? handler : null;
  };

  const hookOf = (handler: unknown): unknown =>
    ownData(handler, 'onHeaders') ?? ownData(handler, 'onResponseStart');

  /** fetch() makes an object of functions where undici's other calls have classes: httpNetworkFetch() in undici/lib/(web/)fetch/index.js. */
  const isOfFetch = (handler: unknown): boolean =>
    isObject(hookOf(handler)) && ownData(handler, 'abort') !== undefined;

  return {
    /**
     * The client whose request a socket is busy with, null for one that is idle or of something else; what the program may
     * hold in its place; and whether an answer has begun that nobody has read to its end.
     */
    answerOn: (
      socket: object,
    ): {
      readonly client: HttpClient | null;
      readonly isUnread: boolean;
      readonly objects: readonly object[];
    } => {
      const answer = ownData(ownData(socket, '_httpMessage'), 'res');
      if (isObject(answer)) {
        return { client: 'http', isUnread: ownData(answer, 'complete') === false, objects: [] };
      }
      const handler = undiciHandler(socket);
      if (handler === null) return { client: null, isUnread: false, objects: [] };
      const body = ownData(handler, 'body');
      // api/api-request.js has made a BodyReadable of it.
      const readable = ownData(handler, 'res') ?? body;
      const objects = isObject(readable) ? [readable] : [];
      const client = isOfFetch(handler) ? 'fetch' : 'undici';
      return { client, isUnread: objects.length > 0, objects };
    },
    /** The function of fetch() that closes over what it does for a socket. */
    functionOf: (socket: object): object | null => {
      const handler = undiciHandler(socket);
      const hook = hookOf(handler);
      return isObject(hook) && isOfFetch(handler) ? hook : null;
    },
    /** From the scopes of that: the stream that the program reads the body from, and who gives the program its Response. */
    readFetch: (scopes: readonly unknown[]) => {
      const variable = (name: string): unknown =>
        scopes.map((scope) => ownData(ownData(scope, 'object'), name)).find(isObject);
      const params = variable('fetchParams');
      const controller = ownData(ownData(params, 'controller'), 'controller');
      const stream = ownData(hidden(controller, 'kState'), 'stream');
      // In Node 18 the program reads from another, into which that one is piped.
      const piped = ownData(ownData(variable('response'), 'body'), 'stream');
      const give = ownData(params, 'processResponse');
      // In Node 20 the program's stream is another, with the same controller.
      const objects = [stream, piped, controller].filter(isObject);
      return { objects, next: isObject(give) ? give : null };
    },
    /** From the scopes of that again: the Response, while the program has it. */
    readResponse: (scopes: readonly unknown[]): object | null => {
      for (const scope of scopes) {
        const reference = ownData(ownData(scope, 'object'), 'responseObject');
        if (reference instanceof WeakRef) return WeakRef.prototype.deref.call(reference) ?? null;
        // Node 18 has the Response itself there.
        if (isObject(reference)) return reference;
      }
      return null;
    },
  };
}
