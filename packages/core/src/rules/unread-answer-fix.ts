import type { FixStep } from '../finding/finding.ts';

/** A client of HTTP in Node: `fetch()`, `http` and `https`, or the package undici. */
export type HttpClient = 'fetch' | 'http' | 'undici';

/**
 * What to do in particular about connections whose answers are not read to their end. The connection goes back to its pool,
 * or is closed, when the body has been read or given up.
 */
export function unreadAnswerStep(client: HttpClient): FixStep {
  return { language: 'Node', text: TEXTS[client] };
}

const TEXTS: Readonly<Record<HttpClient, string>> = {
  fetch:
    'these carry answers of fetch() whose bodies are not read to the end: await response.text() (or .json()), or await response.body?.cancel() where only the status counts; await reader.cancel() for a reader that stops early',
  http: "these carry answers of http.get() or http.request() that are not read to the end: response.resume() in every 'response' listener that does not need the body, response.destroy() where the rest is not wanted",
  undici:
    'these carry answers of undici whose bodies are not read to the end: await body.text() (or .json()), or await body.dump() where only the status counts',
};
