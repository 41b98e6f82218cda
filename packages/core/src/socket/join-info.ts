import { cookieOf } from './row.ts';
import type { SocketTable, TcpInfoColumns } from './table.ts';

/**
 * A table with the tcp_info of another: rows are matched by cookie. Reading all sockets without tcp_info and then only the
 * closing ones with it is much cheaper than tcp_info for all, and loses no socket that changes its state in between.
 */
export function joinInfo(table: SocketTable, informed: SocketTable): SocketTable {
  if (informed.info === null) return table;
  const { count } = table;
  const info: TcpInfoColumns = {
    known: new Uint8Array(count),
    lastDataSent: new Uint32Array(count),
    lastDataRecv: new Uint32Array(count),
    lastAckRecv: new Uint32Array(count),
    dataSegsIn: new Uint32Array(count),
  };
  const rowByCookie = new Map<number, number>();
  for (let row = 0; row < informed.count; row++) rowByCookie.set(cookieOf(informed, row), row);
  for (let row = 0; row < count; row++) {
    const from = rowByCookie.get(cookieOf(table, row));
    if (from === undefined) continue;
    info.known[row] = informed.info.known[from];
    info.lastDataSent[row] = informed.info.lastDataSent[from];
    info.lastDataRecv[row] = informed.info.lastDataRecv[from];
    info.lastAckRecv[row] = informed.info.lastAckRecv[from];
    info.dataSegsIn[row] = informed.info.dataSegsIn[from];
  }
  return { ...table, info };
}
