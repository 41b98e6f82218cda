import {
  AF_INET6,
  NO_OWNER,
  ageOf,
  familyOf,
  formatAddress,
  kernelStateOf,
  localBytesOf,
  localPortOf,
  remoteBytesOf,
  remotePortOf,
  type SocketTable,
} from '@lastack/core';
import { ByteWriter } from './byte-writer.ts';
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
const SAMPLED_ROWS = 1000;
const COLON = 58;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const QUESTION_MARK = 63;
const CLOSING_PARENTHESIS = 41;

const encoder = new TextEncoder();
const USERS = encoder.encode('users:(');
const OCTETS = Array.from({ length: 256 }, (_, octet) => encoder.encode(String(octet)));

/** Writes rows of a socket table as columns that people know from ss. */
export class SocketRows {
  readonly #table: SocketTable;
  readonly #view: RowView;
  readonly #writer: ByteWriter;
  readonly #labels = STATE_LABELS.map((label) => encoder.encode(label));
  readonly #ports: (Uint8Array | undefined)[] = [];
  readonly #commands = new Map<number, Uint8Array>();
  readonly #remoteAt: number;
  readonly #ageAt: number;
  readonly #ownersAt: number;

  constructor(table: SocketTable, rows: Uint32Array, view: RowView, writer: ByteWriter) {
    this.#table = table;
    this.#view = view;
    this.#writer = writer;
    let local = SMALLEST_ADDRESS;
    let remote = SMALLEST_ADDRESS;
    for (const row of rows.subarray(0, SAMPLED_ROWS)) {
      local = Math.max(local, this.#addressText(row, true).length);
      remote = Math.max(remote, this.#addressText(row, false).length);
    }
    this.#remoteAt = LOCAL + local + 1;
    this.#ageAt = this.#remoteAt + remote + 1;
    this.#ownersAt = this.#ageAt + 8;
  }

  header(): void {
    const writer = this.#writer;
    writer.text('State');
    writer.pad(RECV_Q);
    writer.text('Recv-Q');
    writer.pad(SEND_Q);
    writer.text('Send-Q');
    writer.pad(LOCAL);
    writer.text('Local Address:Port');
    writer.pad(this.#remoteAt);
    writer.text('Peer Address:Port');
    writer.pad(this.#ageAt);
    writer.text('Age');
    if (this.#view.owners !== null) {
      writer.pad(this.#ownersAt);
      writer.text('Process');
    }
    writer.endLine();
  }

  row(row: number): void {
    const table = this.#table;
    const writer = this.#writer;
    writer.bytes(this.#labels[kernelStateOf(table, row)] ?? this.#labels[0]);
    writer.pad(RECV_Q);
    writer.number(table.recvQ[row]);
    writer.pad(SEND_Q);
    writer.number(table.sendQ[row]);
    writer.pad(LOCAL);
    this.#address(row, true);
    writer.pad(this.#remoteAt);
    this.#address(row, false);
    this.#age(row);
    this.#owners(row);
    if (this.#view.netnsName !== null)
      writer.text(` netns:${this.#view.netnsName(table.netns[row])}`);
    writer.endLine();
  }

  #address(row: number, local: boolean): void {
    const table = this.#table;
    const writer = this.#writer;
    if (familyOf(table, row) === AF_INET6 || table.device[row] !== 0) {
      writer.text(this.#addressText(row, local));
      return;
    }
    const word = local ? table.source[row] : table.destination[row];
    writer.bytes(OCTETS[word & 0xff]);
    writer.byte(DOT);
    writer.bytes(OCTETS[(word >>> 8) & 0xff]);
    writer.byte(DOT);
    writer.bytes(OCTETS[(word >>> 16) & 0xff]);
    writer.byte(DOT);
    writer.bytes(OCTETS[word >>> 24]);
    writer.byte(COLON);
    writer.bytes(this.#portBytes(local ? localPortOf(table, row) : remotePortOf(table, row)));
  }

  /** `10.0.0.1:22`, `[::1]:22`, `*:22` for any address of either family, `[fe80::1]%eth0:22`. */
  #addressText(row: number, local: boolean): string {
    const table = this.#table;
    const bytes = local ? localBytesOf(table, row) : remoteBytesOf(table, row);
    const port = local ? localPortOf(table, row) : remotePortOf(table, row);
    const index = local ? table.device[row] : 0;
    const device =
      index === 0 ? '' : `%${this.#view.deviceName(index, table.netns[row]) ?? `if${index}`}`;
    let address = formatAddress(bytes);
    if (bytes.length === 16) {
      const any = bytes.every((byte) => byte === 0) && table.destination[row] === 0;
      address = any ? '*' : `[${address}]`;
    }
    return `${address}${device}:${this.#portText(port)}`;
  }

  #portText(port: number): string {
    return port === 0 ? '*' : (this.#view.portName(port) ?? String(port));
  }

  #portBytes(port: number): Uint8Array {
    return (this.#ports[port] ??= encoder.encode(this.#portText(port)));
  }

  #age(row: number): void {
    const writer = this.#writer;
    writer.pad(this.#ageAt);
    const age = ageOf(this.#table, row, this.#view.age);
    // ≥ and ≈ take three bytes and one column.
    const text = formatAge(age);
    const before = writer.column;
    writer.text(text);
    if (this.#view.owners !== null) {
      writer.pad(this.#ownersAt, before + text.length);
    }
  }

  #owners(row: number): void {
    const { owners } = this.#view;
    if (owners === null) return;
    const table = this.#table;
    const writer = this.#writer;
    const inode = table.inode[row];
    let owner = inode === 0 ? NO_OWNER : owners.firstOwner(inode);
    if (owner === NO_OWNER) {
      // Without an inode no descriptor refers to the socket; with one, its holder was not seen.
      writer.byte(inode === 0 ? MINUS : QUESTION_MARK);
      return;
    }
    const { pid, fd } = owners.table;
    writer.bytes(USERS);
    for (let first = true; owner !== NO_OWNER; owner = owners.nextOwner(owner), first = false) {
      writer.reserve(ByteWriter.MARGIN);
      if (!first) writer.byte(COMMA);
      writer.bytes(this.#commandBytes(pid[owner]));
      writer.number(fd[owner]);
      writer.byte(CLOSING_PARENTHESIS);
    }
    writer.byte(CLOSING_PARENTHESIS);
  }

  /** `("node",pid=12,fd=` */
  #commandBytes(pid: number): Uint8Array {
    let bytes = this.#commands.get(pid);
    if (bytes === undefined) {
      const command = this.#view.owners?.table.commands.get(pid) ?? '?';
      bytes = encoder.encode(`("${command}",pid=${pid},fd=`);
      this.#commands.set(pid, bytes);
    }
    return bytes;
  }
}
