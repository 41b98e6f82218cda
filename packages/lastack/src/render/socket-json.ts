import {
  AF_INET6,
  KERNEL_STATE,
  NO_OWNER,
  ageOf,
  cookieOf,
  familyOf,
  kernelStateOf,
  localPortOf,
  remotePortOf,
  stateOf,
  timerOf,
  type OwnerIndex,
  type SocketTable,
} from '@lastack/core';
import type { ByteWriter } from './byte-writer.ts';
import { putAscii, putBytes, putIpv4, putIpv6, putNumber } from './bytes.ts';
import type { RowView } from './row-view.ts';

export const SOCKET_SCHEMA = 'lastack.socket/1';

const HEAD = `{"schema":"${SOCKET_SCHEMA}","state":"`;
const NEWLINE = 10;
const COMMA = 44;
const CLOSING_BRACKET = 93;
const CLOSING_BRACE = 125;

/** Writes sockets as JSON, one object a line: docs/socket.schema.json. */
export class SocketJson {
  readonly #table: SocketTable;
  readonly #view: RowView;
  readonly #writer: ByteWriter;
  readonly #owners = new Map<number, Uint8Array>();
  readonly #encoder = new TextEncoder();

  constructor(table: SocketTable, view: RowView, writer: ByteWriter) {
    this.#table = table;
    this.#view = view;
    this.#writer = writer;
  }

  row(row: number): void {
    const table = this.#table;
    const writer = this.#writer;
    const { buffer } = writer;
    const isIpv6 = familyOf(table, row) === AF_INET6;
    const state = kernelStateOf(table, row);
    // The kernel reports user 0 for TIME-WAIT, whoever the socket was of.
    const uid = state === KERNEL_STATE['TIME-WAIT'] ? 'null' : table.uid[row];
    const timer = timerOf(table, row);
    const timerText = timer === 'none' ? 'null' : `{"kind":"${timer}","ms":${table.expires[row]}}`;
    const age = ageOf(table, row, this.#view.age);
    let { at } = writer;
    at = putAscii(buffer, at, HEAD);
    at = putAscii(buffer, at, stateOf(table, row));
    at = putAscii(
      buffer,
      at,
      isIpv6 ? '","family":"IPv6","local":{"address":"' : '","family":"IPv4","local":{"address":"',
    );
    at = this.#address(at, row, isIpv6, 0);
    at = putNumber(buffer, putAscii(buffer, at, '","port":'), localPortOf(table, row));
    at = this.#address(putAscii(buffer, at, '},"remote":{"address":"'), row, isIpv6, 4);
    at = putNumber(buffer, putAscii(buffer, at, '","port":'), remotePortOf(table, row));
    at = putNumber(buffer, putAscii(buffer, at, '},"recvQ":'), table.recvQ[row]);
    at = putNumber(buffer, putAscii(buffer, at, ',"sendQ":'), table.sendQ[row]);
    at = putAscii(
      buffer,
      at,
      `,"inode":${table.inode[row] || null},"cookie":${cookieOf(table, row) || null},"netns":${table.netns[row]},"uid":${uid},"timer":${timerText},"age":{"minMs":${age.minMs},"maxMs":${age.maxMs},"exact":${age.exact}}`,
    );
    writer.at = at;
    this.#writeOwners(row);
    buffer[writer.at++] = CLOSING_BRACE;
    buffer[writer.at++] = NEWLINE;
    writer.flushIfFull();
  }

  #address(at: number, row: number, isIpv6: boolean, offset: 0 | 4): number {
    const { addresses6, source, destination } = this.#table;
    const { buffer } = this.#writer;
    return isIpv6
      ? putIpv6(buffer, at, addresses6, source[row] * 8 + offset)
      : putIpv4(buffer, at, offset === 0 ? source[row] : destination[row]);
  }

  /** Absent when owners were not looked up; null when the socket has a descriptor whose holder was not seen. */
  #writeOwners(row: number): void {
    const { owners } = this.#view;
    if (owners === null) return;
    const writer = this.#writer;
    const { buffer } = writer;
    const inode = this.#table.inode[row];
    let owner = inode === 0 ? NO_OWNER : owners.firstOwner(inode);
    if (owner === NO_OWNER) {
      writer.at = putAscii(buffer, writer.at, inode === 0 ? ',"owners":[]' : ',"owners":null');
      return;
    }
    let at = putAscii(buffer, writer.at, ',"owners":[');
    const { pid, fd } = owners.table;
    for (let first = true; owner !== NO_OWNER; owner = owners.nextOwner(owner), first = false) {
      if (!first) buffer[at++] = COMMA;
      at = putNumber(buffer, putBytes(buffer, at, this.#owner(pid[owner], owners)), fd[owner]);
      buffer[at++] = CLOSING_BRACE;
      // A listener may have a thousand holders.
      writer.at = at;
      writer.flushIfFull();
      ({ at } = writer);
    }
    buffer[at++] = CLOSING_BRACKET;
    writer.at = at;
  }

  /** `{"pid":12,"command":"node","fd":` */
  #owner(pid: number, owners: OwnerIndex): Uint8Array {
    let bytes = this.#owners.get(pid);
    if (bytes === undefined) {
      const command = JSON.stringify(owners.table.commands.get(pid) ?? null);
      bytes = this.#encoder.encode(`{"pid":${pid},"command":${command},"fd":`);
      this.#owners.set(pid, bytes);
    }
    return bytes;
  }
}
