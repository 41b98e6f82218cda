import type { IncomingMessage, ServerResponse } from 'node:http';

/** A path that a load balancer asks: 200 while requests are welcome, 503 from `shutdown()` on. */
export interface Readiness {
  /** As in `/ready`; GET and HEAD of it are answered here and do not reach the server's listeners. */
  readonly path: string;
  /** The application's own say; false and an error give 503. */
  readonly ready?: (() => boolean | Promise<boolean>) | undefined;
}

export function isReadinessRequest({ url, method }: IncomingMessage, { path }: Readiness): boolean {
  return (method === 'GET' || method === 'HEAD') && url?.split('?', 1)[0] === path;
}

export async function answerReadiness(
  response: ServerResponse,
  { ready }: Readiness,
  isDraining: () => boolean,
): Promise<void> {
  let isReady = true;
  try {
    isReady = (await ready?.()) ?? true;
  } catch {
    isReady = false;
  }
  const [status, text]: [number, string] = isDraining()
    ? [503, 'shutting down\n']
    : isReady
      ? [200, 'ready\n']
      : [503, 'not ready\n'];
  response.writeHead(status, {
    'Content-Type': 'text/plain',
    'Content-Length': text.length,
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
