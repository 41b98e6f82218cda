import {
  AF_INET6,
  NO_OWNER,
  ageOf,
  familyOf,
  kernelStateOf,
  localPortOf,
  remotePortOf,
  timerOf,
  type OwnerIndex,
  type SocketTable,
} from '@lastack/core';
import { ByteWriter } from './byte-writer.ts';
import { putAscii, putBytes, putIpv4, putIpv6, putNumber, putSpaces } from './bytes.ts';
import { formatAge } from './duration.ts';
import type { RowView } from './row-view.ts';

/** The names that ss prints, by kernel state. */
const STATE_LABELS = [
  'UNKNOWN',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'SYN-RECV',
  'UNCONN',
];

const RECV_Q = 11;
const SEND_Q = 18;
const LOCAL = 25;
const SMALLEST_ADDRESS = 18;
const AGE_WIDTH = 8;
const SAMPLED_ROWS = 1000;

const NEWLINE = 10;
const PERCENT = 37;
const CLOSING_PARENTHESIS = 41;
const STAR = 42;
const COMMA = 44;
const MINUS = 45;
const COLON = 58;
const QUESTION_MARK = 63;
const OPENING_BRACKET = 91;
const CLOSING_BRACKET = 93;

const encoder = new TextEncoder();
const UNKNOWN = 0;
const NUMERIC = 1;
const NAMED = 2;
const NO_BYTES = new Uint8Array(0);
const USERS = encoder.encode('users:(');

/** Writes rows of a socket table as columns that people know from ss. */
export class SocketRows {
  readonly #table: SocketTable;
  readonly #view: RowView;
  readonly #writer: ByteWriter;
  readonly #remoteAt: number;
  readonly #ageAt: number;
  readonly #ownersAt: number;
  readonly #labels = STATE_LABELS.map((label) => encoder.encode(label));
  /** The first three columns where both queues are empty, as they mostly are. */
  readonly #quiet = STATE_LABELS.map((label) =>
    encoder.encode(label.padEnd(RECV_Q) + '0'.padEnd(SEND_Q - RECV_Q) + '0'.padEnd(LOCAL - SEND_Q)),
  );
  /** Whether a port has a name, once asked: an array of all ports is looked up faster than a map of those that occur. */
  readonly #portKinds = new Uint8Array(65_536);
  readonly #portNames = new Map<number, Uint8Array>();
  readonly #commands = new Map<number, Uint8Array>();

  constructor(table: SocketTable, rows: Uint32Array, view: RowView, writer: ByteWriter) {
    this.#table = table;
    this.#view = view;
    this.#writer = writer;
    let local = SMALLEST_ADDRESS;
    let remote = SMALLEST_ADDRESS;
    const scratch = new Uint8Array(ByteWriter.MARGIN);
    for (const row of rows.subarray(0, SAMPLED_ROWS)) {
      local = Math.max(local, this.#local(scratch, 0, row));
      remote = Math.max(remote, this.#remote(scratch, 0, row));
    }
    this.#remoteAt = LOCAL + local + 1;
    this.#ageAt = this.#remoteAt + remote + 1;
    this.#ownersAt = this.#ageAt + AGE_WIDTH;
  }

  header(): void {
    const columns: [name: string, at: number][] = [
      ['State', 0],
      ['Recv-Q', RECV_Q],
      ['Send-Q', SEND_Q],
      ['Local Address:Port', LOCAL],
      ['Peer Address:Port', this.#remoteAt],
      ['Age', this.#ageAt],
    ];
    if (this.#view.owners !== null) columns.push(['Process', this.#ownersAt]);
    const line = columns.reduce((text, [name, at]) => text.padEnd(at) + name, '');
    const writer = this.#writer;
    writer.at = putAscii(writer.buffer, writer.at, `${line}\n`);
  }

  row(row: number): void {
    const table = this.#table;
    const { buffer, at: start } = this.#writer;
    const state = kernelStateOf(table, row);
    let at = start;
    if (table.recvQ[row] === 0 && table.sendQ[row] === 0) {
      at = putBytes(buffer, at, this.#quiet[state] ?? this.#quiet[0]);
    } else {
      at = putBytes(buffer, at, this.#labels[state] ?? this.#labels[0]);
      at = putNumber(buffer, putSpaces(buffer, at, start + RECV_Q), table.recvQ[row]);
      at = putNumber(buffer, putSpaces(buffer, at, start + SEND_Q), table.sendQ[row]);
      at = putSpaces(buffer, at, start + LOCAL);
    }
    at = putSpaces(buffer, this.#local(buffer, at, row), start + this.#remoteAt);
    at = putSpaces(buffer, this.#remote(buffer, at, row), start + this.#ageAt);
    this.#ageAndOwners(at, row);
  }

  /** `10.0.0.1:22`, `[::1]:22`, `*:22` for any address of either family, `[fe80::1]%eth0:22`. */
  #local(buffer: Uint8Array, at: number, row: number): number {
    const table = this.#table;
    at = this.#address(buffer, at, row, 0);
    if (table.device[row] !== 0) at = this.#device(buffer, at, row);
    buffer[at] = COLON;
    return this.#port(buffer, at + 1, localPortOf(table, row));
  }

  #remote(buffer: Uint8Array, at: number, row: number): number {
    at = this.#address(buffer, at, row, 4);
    buffer[at] = COLON;
    return this.#port(buffer, at + 1, remotePortOf(this.#table, row));
  }

  /** @param offset in the words of an IPv6 pair: 0 the local one, 4 the remote */
  #address(buffer: Uint8Array, at: number, row: number, offset: 0 | 4): number {
    const table = this.#table;
    if (familyOf(table, row) !== AF_INET6) {
      return putIpv4(buffer, at, offset === 0 ? table.source[row] : table.destination[row]);
    }
    const { addresses6: words } = table;
    const from = table.source[row] * 8 + offset;
    const isV6Only = table.destination[row] !== 0;
    if (!isV6Only && (words[from] | words[from + 1] | words[from + 2] | words[from + 3]) === 0) {
      buffer[at] = STAR;
      return at + 1;
    }
    buffer[at] = OPENING_BRACKET;
    at = putIpv6(buffer, at + 1, words, from);
    buffer[at] = CLOSING_BRACKET;
    return at + 1;
  }

  #device(buffer: Uint8Array, at: number, row: number): number {
    const { device, netns } = this.#table;
    const name = this.#view.deviceName(device[row], netns[row]) ?? `if${device[row]}`;
    buffer[at] = PERCENT;
    return putBytes(buffer, at + 1, encoder.encode(name));
  }

  #port(buffer: Uint8Array, at: number, port: number): number {
    if (port === 0) {
      buffer[at] = STAR;
      return at + 1;
    }
    if (this.#portKinds[port] === UNKNOWN) {
      const name = this.#view.portName(port);
      this.#portKinds[port] = name === null ? NUMERIC : NAMED;
      if (name !== null) this.#portNames.set(port, encoder.encode(name));
    }
    if (this.#portKinds[port] === NUMERIC) return putNumber(buffer, at, port);
    return putBytes(buffer, at, this.#portNames.get(port) ?? NO_BYTES);
  }

  /** The columns whose width in bytes is not that on the screen (≥ takes three), up to the end of the line. */
  #ageAndOwners(at: number, row: number): void {
    const writer = this.#writer;
    const { buffer } = writer;
    const { owners, netnsName } = this.#view;
    const ageEnd = at + AGE_WIDTH;
    if (isAgeUnknown(this.#table, row)) {
      buffer[at++] = MINUS;
      if (owners !== null) at = putSpaces(buffer, at, ageEnd);
    } else {
      const text = formatAge(ageOf(this.#table, row, this.#view.age));
      const bytes = encoder.encode(text);
      at = putBytes(buffer, at, bytes);
      if (owners !== null) at = putSpaces(buffer, at, ageEnd + bytes.length - text.length);
    }
    writer.at = at;
    if (owners !== null) this.#owners(owners, row);
    if (netnsName !== null) {
      const name = encoder.encode(` netns:${netnsName(this.#table.netns[row])}`);
      writer.at = putBytes(buffer, writer.at, name);
    }
    buffer[writer.at++] = NEWLINE;
    writer.flushIfFull();
  }

  #owners(owners: OwnerIndex, row: number): void {
    const writer = this.#writer;
    const { buffer } = writer;
    const inode = this.#table.inode[row];
    let owner = inode === 0 ? NO_OWNER : owners.firstOwner(inode);
    if (owner === NO_OWNER) {
      // Without an inode no descriptor refers to the socket; with one, its holder was not seen.
      buffer[writer.at++] = inode === 0 ? MINUS : QUESTION_MARK;
      return;
    }
    const { pid, fd } = owners.table;
    let at = putBytes(buffer, writer.at, USERS);
    for (let first = true; owner !== NO_OWNER; owner = owners.nextOwner(owner), first = false) {
      if (!first) buffer[at++] = COMMA;
      at = putBytes(buffer, at, this.#command(pid[owner], owners));
      at = putNumber(buffer, at, fd[owner]);
      buffer[at++] = CLOSING_PARENTHESIS;
      // A listener may have a thousand holders.
      writer.at = at;
      writer.flushIfFull();
      ({ at } = writer);
    }
    buffer[at++] = CLOSING_PARENTHESIS;
    writer.at = at;
  }

  /** `("node",pid=12,fd=` */
  #command(pid: number, owners: OwnerIndex): Uint8Array {
    let bytes = this.#commands.get(pid);
    if (bytes === undefined) {
      bytes = encoder.encode(`("${owners.table.commands.get(pid) ?? '?'}",pid=${pid},fd=`);
      this.#commands.set(pid, bytes);
    }
    return bytes;
  }
}

/** Spares most rows the making of an age. */
function isAgeUnknown(table: SocketTable, row: number): boolean {
  return (
    timerOf(table, row) !== 'time-wait' && (table.info === null || table.info.known[row] === 0)
  );
}
