import {
  AF_INET6,
  KERNEL_STATE,
  NO_OWNER,
  ageOf,
  cookieOf,
  familyOf,
  formatAddress,
  kernelStateOf,
  localBytesOf,
  localPortOf,
  remoteBytesOf,
  remotePortOf,
  stateOf,
  timerOf,
  type SocketTable,
} from '@lastack/core';
import { ByteWriter } from './byte-writer.ts';
import type { RowView } from './row-view.ts';

export const SOCKET_SCHEMA = 'lastack.socket/1';

const HEAD = `{"schema":"${SOCKET_SCHEMA}","state":"`;
const COMMA = 44;
const CLOSING_BRACKET = 93;
const CLOSING_BRACE = 125;

/** Writes sockets as JSON, one object a line: docs/socket.schema.json. */
export class SocketJson {
  readonly #table: SocketTable;
  readonly #view: RowView;
  readonly #writer: ByteWriter;
  readonly #owners = new Map<number, string>();

  constructor(table: SocketTable, view: RowView, writer: ByteWriter) {
    this.#table = table;
    this.#view = view;
    this.#writer = writer;
  }

  row(row: number): void {
    const table = this.#table;
    const writer = this.#writer;
    const state = kernelStateOf(table, row);
    // The kernel reports user 0 for TIME-WAIT, whoever the socket was of.
    const uid = state === KERNEL_STATE['TIME-WAIT'] ? 'null' : table.uid[row];
    const timer = timerOf(table, row);
    const timerText = timer === 'none' ? 'null' : `{"kind":"${timer}","ms":${table.expires[row]}}`;
    const age = ageOf(table, row, this.#view.age);
    writer.text(
      `${HEAD}${stateOf(table, row)}","family":"${familyOf(table, row) === AF_INET6 ? 'IPv6' : 'IPv4'}","local":{"address":"`,
    );
    writer.text(formatAddress(localBytesOf(table, row)));
    writer.text(`","port":${localPortOf(table, row)}},"remote":{"address":"`);
    writer.text(formatAddress(remoteBytesOf(table, row)));
    writer.text(
      `","port":${remotePortOf(table, row)}},"recvQ":${table.recvQ[row]},"sendQ":${table.sendQ[row]},"inode":${table.inode[row] || null},"cookie":${cookieOf(table, row) || null},"netns":${table.netns[row]},"uid":${uid},"timer":${timerText},"age":{"minMs":${age.minMs},"maxMs":${age.maxMs},"exact":${age.exact}}`,
    );
    this.#writeOwners(row);
    writer.byte(CLOSING_BRACE);
    writer.endLine();
  }

  /** Absent when owners were not looked up; null when the socket has a descriptor whose holder was not seen. */
  #writeOwners(row: number): void {
    const { owners } = this.#view;
    if (owners === null) return;
    const writer = this.#writer;
    const inode = this.#table.inode[row];
    let owner = inode === 0 ? NO_OWNER : owners.firstOwner(inode);
    if (owner === NO_OWNER) {
      writer.text(inode === 0 ? ',"owners":[]' : ',"owners":null');
      return;
    }
    writer.text(',"owners":[');
    const { pid, fd } = owners.table;
    for (let first = true; owner !== NO_OWNER; owner = owners.nextOwner(owner), first = false) {
      writer.reserve(ByteWriter.MARGIN);
      if (!first) writer.byte(COMMA);
      writer.text(this.#ownerText(pid[owner]));
      writer.number(fd[owner]);
      writer.byte(CLOSING_BRACE);
    }
    writer.byte(CLOSING_BRACKET);
  }

  /** `{"pid":12,"command":"node","fd":` */
  #ownerText(pid: number): string {
    let text = this.#owners.get(pid);
    if (text === undefined) {
      const command = this.#view.owners?.table.commands.get(pid) ?? null;
      text = `{"pid":${pid},"command":${JSON.stringify(command)},"fd":`;
      this.#owners.set(pid, text);
    }
    return text;
  }
}
