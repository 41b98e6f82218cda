import type { Cause, Endpoint, ObservedTransition, TracedProcess } from '@lastack/core';
import type { ByteWriter } from './byte-writer.ts';
import { putAscii, putBytes, putNumber } from './bytes.ts';
import { putDecimals, putInteger, SecondClock } from './trace-bytes.ts';

const NAMES_AT_MOST = 10_000;
const encoder = new TextEncoder();
const NULL = encoder.encode('null');
const FIRST = encoder.encode('{"schema":"lastack.transition/1","at":"');
const COOKIE = encoder.encode('Z","cookie":');
const NETNS = encoder.encode(',"netns":');
const LOCAL = encoder.encode(',"local":{"address":"');
const REMOTE = encoder.encode('},"remote":{"address":"');
const PORT = encoder.encode('","port":');
const FROM_MS = encoder.encode(',"fromMs":');
const HOLDER = encoder.encode(',"holder":');
const ACKED = encoder.encode(',"bytes":{"acked":');
const RECEIVED = encoder.encode(',"received":');
const NO_BYTES = encoder.encode(',"bytes":null');

/** Writes transitions as one line of JSON each: docs/transition.schema.json. */
export class TraceJsonLines {
  readonly #writer: ByteWriter;
  readonly #hasCookies: boolean;
  readonly #clock = new SecondClock((date) => date.toISOString().slice(0, -'000Z'.length));
  readonly #changes = new Map<string | null, Map<string, Uint8Array>>();
  readonly #processes = new Map<TracedProcess | null, ProcessBytes>();
  readonly #ends = new Map<Cause, Map<ObservedTransition['closedFirst'], Uint8Array>>();

  /** @param hasCookies whether the source's numbers are cookies, which name a socket in other tools too */
  constructor(writer: ByteWriter, hasCookies: boolean) {
    this.#writer = writer;
    this.#hasCookies = hasCookies;
  }

  line(transition: ObservedTransition): void {
    const { atMs, socket, netns, local, remote, fromMs, acked, received } = transition;
    const writer = this.#writer;
    const { buffer } = writer;
    let at = this.#clock.put(buffer, putBytes(buffer, writer.at, FIRST), atMs);
    at = putBytes(buffer, at, COOKIE);
    at = putNullable(buffer, at, this.#hasCookies ? socket : null);
    at = putNullable(buffer, putBytes(buffer, at, NETNS), netns);
    at = putEndpoint(buffer, putBytes(buffer, at, LOCAL), local);
    at = putEndpoint(buffer, putBytes(buffer, at, REMOTE), remote);
    at = putBytes(buffer, at, this.#change(transition.from, transition.to));
    at = putBytes(buffer, at, FROM_MS);
    at =
      fromMs === null ? putBytes(buffer, at, NULL) : putDecimals(buffer, at, Math.max(0, fromMs));
    at = putBytes(buffer, at, this.#process(transition.process).members);
    at = putBytes(buffer, putBytes(buffer, at, HOLDER), this.#process(transition.holder).object);
    if (acked === null || received === null) at = putBytes(buffer, at, NO_BYTES);
    else {
      at = putInteger(buffer, putBytes(buffer, at, ACKED), acked);
      at = putInteger(buffer, putBytes(buffer, at, RECEIVED), received);
      buffer[at++] = CLOSING_BRACE;
    }
    writer.at = putBytes(buffer, at, this.#end(transition));
    writer.flushIfFull();
  }

  #change(from: string | null, to: string): Uint8Array {
    let row = this.#changes.get(from);
    if (row === undefined) this.#changes.set(from, (row = new Map()));
    let bytes = row.get(to);
    if (bytes === undefined) {
      bytes = encoder.encode(`},"from":${JSON.stringify(from)},"to":${JSON.stringify(to)}`);
      row.set(to, bytes);
    }
    return bytes;
  }

  #process(process: TracedProcess | null): ProcessBytes {
    let bytes = this.#processes.get(process);
    if (bytes === undefined) {
      if (this.#processes.size >= NAMES_AT_MOST) this.#processes.clear();
      this.#processes.set(process, (bytes = bytesOf(process)));
    }
    return bytes;
  }

  #end({ cause, closedFirst, isAllowed }: ObservedTransition): Uint8Array {
    if (!isAllowed) return endOf(cause, closedFirst, false);
    let ends = this.#ends.get(cause);
    if (ends === undefined) this.#ends.set(cause, (ends = new Map()));
    let bytes = ends.get(closedFirst);
    if (bytes === undefined) ends.set(closedFirst, (bytes = endOf(cause, closedFirst, true)));
    return bytes;
  }
}

function endOf(
  cause: Cause,
  closedFirst: ObservedTransition['closedFirst'],
  allowed: boolean,
): Uint8Array {
  return encoder.encode(`,${JSON.stringify({ cause, closedFirst, allowed }).slice(1)}\n`);
}

interface ProcessBytes {
  readonly members: Uint8Array;
  readonly object: Uint8Array;
}

function bytesOf(process: TracedProcess | null): ProcessBytes {
  const { pid, command } = process ?? { pid: null, command: null };
  const members = JSON.stringify({ pid, command });
  return {
    members: encoder.encode(`,${members.slice(1, -1)}`),
    object: process === null ? NULL : encoder.encode(members),
  };
}

const CLOSING_BRACE = 125;

function putNullable(buffer: Uint8Array, at: number, value: number | null): number {
  return value === null ? putBytes(buffer, at, NULL) : putInteger(buffer, at, value);
}

function putEndpoint(buffer: Uint8Array, at: number, { address, port }: Endpoint): number {
  at = putAscii(buffer, at, address);
  return putNumber(buffer, putBytes(buffer, at, PORT), port);
}
