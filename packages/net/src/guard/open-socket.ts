import type { CodeLine, Origin } from './origin.ts';

/** What a socket is, as far as closing it goes. */
export type SocketKind = 'tcp client' | 'tcp server side' | 'tls' | 'pipe' | 'listener';

/** A socket that is open now and was made while they were tracked. */
export interface OpenSocket {
  /** Which end of what it is. */
  readonly kind: SocketKind;
  /** Its own address: `host:port`, a path, or absent when it has none (yet). */
  readonly local?: string;
  /** The peer's address, as `local`. */
  readonly remote?: string;
  /** The descriptor; absent before the connection is begun, and on Windows. */
  readonly fd?: number;
  /** Made by a listener of this program, not by a connect. */
  readonly accepted: boolean;
  /** Where it was made; for an accepted connection, where its listener was. */
  readonly createdAt: Origin;
  /** The test that made it; absent when it was made outside of one, or when that could not be told. */
  readonly test?: string;
  /** The tests that ran when it was made, where `test` could not be told. */
  readonly during?: readonly string[];
  /** Idle in the pool of fetch, undici or an http.Agent; or the other end of such a connection. */
  readonly pooled: boolean;
  /** How to close it. */
  readonly remedy: string;
}

/**
 * Three lines for people: what, where, how to close it.
 * @param knownTest that need not be named
 */
export function describeSocket(socket: OpenSocket, knownTest?: string): string {
  const { kind, local, remote, fd, accepted, createdAt, pooled, test, during, remedy } = socket;
  const ends = [local, remote].filter((end) => end !== undefined).join(' → ');
  const descriptor = fd === undefined ? '' : ` (descriptor ${fd})`;
  const idle = pooled ? ', idle in a pool' : '';
  const where = describeMaking(accepted, createdAt.line);
  return [
    `${[kind, ends].filter((part) => part !== '').join(' ')}${descriptor}${idle}`,
    `  ${where}${test !== undefined && test === knownTest ? '' : whoRan(test, during)}`,
    `  ${remedy}`,
  ].join('\n');
}

function describeMaking(accepted: boolean, line: CodeLine | undefined): string {
  if (accepted) {
    return line === undefined
      ? 'accepted by a listener that was there before'
      : `accepted by the listener made at ${describeLine(line)}`;
  }
  return line === undefined
    ? 'made by Node itself: no line of the program is on the stack'
    : `made at ${describeLine(line)}`;
}

function describeLine({ file, line, column, function: name }: CodeLine): string {
  return `${file}:${line}:${column}${name === undefined ? '' : ` (${name})`}`;
}

function whoRan(test: string | undefined, during: readonly string[] | undefined): string {
  if (test !== undefined) return `, in the test "${test}"`;
  if (during === undefined || during.length === 0) return '';
  const names = during.map((name) => `"${name}"`).join(', ');
  return during.length === 1
    ? `, while the test ${names} ran`
    : `, while these tests ran at once, so that it cannot be said which made it: ${names}`;
}

export const REMEDIES = {
  client:
    'Close it before the test ends: destroy() it, closeGracefully() it, or take it with `await using`.',
  accepted:
    'End or destroy it when its peer has ended; a server that allows half-open connections must do so itself.',
  listener: 'Close it before the test ends: close() and wait for its callback, or `await using`.',
  fetch:
    "Read the response's body to its end or cancel it: `await response.body?.cancel()`; or abort the request.",
  http: 'Read the response to its end (`response.resume()`), or destroy the request.',
  child: 'It leads to a child process: end that, and wait for its "close".',
} as const;
