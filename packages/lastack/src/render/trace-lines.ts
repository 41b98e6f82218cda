import {
  printable,
  type Endpoint,
  type ObservedTransition,
  type TracedProcess,
} from '@lastack/core';
import type { ByteWriter } from './byte-writer.ts';
import { putAscii, putBytes, putNumber, putSpaces } from './bytes.ts';
import { compactDuration } from './duration.ts';
import { putDecimals, SecondClock } from './trace-bytes.ts';
import type { Paint } from './style.ts';

const CHANGE = 14;
const AFTER = 43;
const ENDPOINTS = 53;
const CAUSE = 99;
const PROCESS = 125;
/** More in bytes than on the screen: ` → ` in two columns. */
const ARROW_BYTES = 2;

const SPACE = 32;
const NEWLINE = 10;
const MINUS = 45;
const STAR = 42;
const COLON = 58;
const NAMES_AT_MOST = 10_000;
const PRECISE_BELOW_MS = 10;
const PRECISE_WIDTH = 7;

const encoder = new TextEncoder();
const ARROW = encoder.encode(' → ');

/** Writes transitions as columns, one line each: bytes, because they come by the hundred thousand a second. */
export class TraceLines {
  readonly #writer: ByteWriter;
  readonly #clock = new SecondClock(localTime);
  readonly #changes = new Map<string | null, Map<string, Uint8Array>>();
  readonly #processes = new Map<TracedProcess, Uint8Array>();

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  header(paint: Paint): void {
    const columns: [name: string, at: number][] = [
      ['Time', 0],
      ['State', CHANGE],
      ['After'.padStart(ENDPOINTS - AFTER - 2), AFTER],
      ['Local → remote', ENDPOINTS],
      ['Why', CAUSE],
      ['Process', PROCESS],
    ];
    const line = columns.reduce((text, [name, at]) => text.padEnd(at) + name, '');
    const writer = this.#writer;
    writer.at = putBytes(writer.buffer, writer.at, encoder.encode(`${paint('bold', line)}\n`));
  }

  line(transition: ObservedTransition): void {
    const { atMs, from, to, fromMs, local, remote, process, holder } = transition;
    const writer = this.#writer;
    const { buffer, at: start } = writer;
    let at = this.#clock.put(buffer, start, atMs);
    at = putSpaces(buffer, at, start + CHANGE);
    at = putBytes(buffer, at, this.#change(from, to));
    // From here on a column is two bytes further, from the remote end on four.
    at = putDuration(buffer, at, fromMs);
    at = putEndpoint(buffer, at, local);
    at = putBytes(buffer, at, ARROW);
    at = putEndpoint(buffer, at, remote);
    at = putSpaces(buffer, at, start + CAUSE + 2 * ARROW_BYTES);
    at = putAscii(buffer, at, causeText(transition));
    const who = process ?? holder;
    if (who !== null) {
      at = putSpaces(buffer, at, start + PROCESS + 2 * ARROW_BYTES);
      at = this.#process(buffer, at, who, process === null);
    }
    buffer[at] = NEWLINE;
    writer.at = at + 1;
    writer.flushIfFull();
  }

  /** Padded to the next column. */
  #change(from: string | null, to: string): Uint8Array {
    let row = this.#changes.get(from);
    if (row === undefined) this.#changes.set(from, (row = new Map()));
    let bytes = row.get(to);
    if (bytes === undefined) {
      row.set(to, (bytes = encoder.encode(`${from ?? '?'} → ${to}`.padEnd(AFTER - CHANGE))));
    }
    return bytes;
  }

  /** In brackets who has the socket, where nobody made the change by a system call. */
  #process(buffer: Uint8Array, at: number, process: TracedProcess, isHolder: boolean): number {
    let bytes = this.#processes.get(process);
    if (bytes === undefined) {
      if (this.#processes.size >= NAMES_AT_MOST) this.#processes.clear();
      const { pid, command } = process;
      bytes = encoder.encode(`(${printable(command) || '?'} ${pid})`);
      this.#processes.set(process, bytes);
    }
    return putBytes(buffer, at, isHolder ? bytes : bytes.subarray(1, -1));
  }
}

/** Flush right: microseconds below 10 ms, `0.041ms`. */
function putDuration(buffer: Uint8Array, at: number, ms: number | null): number {
  const end = at + ENDPOINTS - AFTER;
  if (ms !== null && ms < PRECISE_BELOW_MS) {
    at = putSpaces(buffer, at, end - 2 - PRECISE_WIDTH);
    at = putAscii(buffer, putDecimals(buffer, at, Math.max(0, ms)), 'ms');
  } else if (ms === null) {
    at = putSpaces(buffer, at, end - 3);
    buffer[at++] = MINUS;
  } else {
    const text = compactDuration(ms);
    at = putAscii(buffer, putSpaces(buffer, at, end - 2 - text.length), text);
  }
  buffer[at] = SPACE;
  buffer[at + 1] = SPACE;
  return at + 2;
}

function putEndpoint(buffer: Uint8Array, at: number, { address, port }: Endpoint): number {
  at = address.includes(':') ? putAscii(buffer, at, `[${address}]`) : putAscii(buffer, at, address);
  buffer[at++] = COLON;
  if (port !== 0) return putNumber(buffer, at, port);
  buffer[at] = STAR;
  return at + 1;
}

/** What the side that closed first is worth: it is the one that gets the TIME-WAIT. */
function causeText({ to, cause, isAllowed, closedFirst }: ObservedTransition): string {
  if (!isAllowed) return 'FORBIDDEN by RFC 9293';
  if (to !== 'CLOSED' || cause !== 'receive ACK of FIN') return cause;
  if (closedFirst === null) return cause;
  return closedFirst === 'local' ? 'receive ACK of FIN (closed first)' : PEER_FIRST;
}

const PEER_FIRST = 'receive ACK of FIN (peer closed first)';

function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.`;
}
