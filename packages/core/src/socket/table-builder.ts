import { ROW_COLUMNS, type SocketTable, type TcpInfoColumns } from './table.ts';

type InfoColumns = { -readonly [Name in keyof TcpInfoColumns]: TcpInfoColumns[Name] };

const WORDS_PER_IPV6 = 8;

/**
 * A socket table that grows. Fill the columns at `count`, after `reserve()`, and raise `count`: a call per field would
 * cost more than the field. Columns are replaced when the table grows, so read them again after `reserve()`.
 */
export class SocketTableBuilder implements SocketTable {
  count = 0;
  head!: Uint32Array;
  ports!: Uint32Array;
  source!: Uint32Array;
  destination!: Uint32Array;
  device!: Uint32Array;
  cookieLow!: Uint32Array;
  cookieHigh!: Uint32Array;
  expires!: Uint32Array;
  recvQ!: Uint32Array;
  sendQ!: Uint32Array;
  uid!: Uint32Array;
  inode!: Uint32Array;
  netns!: Uint32Array;
  addresses6: Uint32Array = new Uint32Array(0);
  info: InfoColumns | null;
  #capacity = 0;
  #count6 = 0;

  /**
   * @param capacity rows to make room for at once; it grows beyond them
   * @param withInfo whether the columns of tcp_info are kept
   */
  constructor(capacity: number, withInfo: boolean) {
    this.info = withInfo ? emptyInfo() : null;
    this.#resize(Math.max(capacity, 64));
  }

  /** Makes room for `rows` rows more. */
  reserve(rows: number): void {
    const wanted = this.count + rows;
    if (wanted > this.#capacity) this.#resize(Math.max(wanted, Math.ceil(this.#capacity * 1.5)));
  }

  /** Appends an IPv6 pair and returns the index that belongs in `source`. */
  addAddresses6(words: Uint32Array, at: number): number {
    const index = this.#count6++;
    const start = index * WORDS_PER_IPV6;
    if (start >= this.addresses6.length) {
      this.addresses6 = grown(
        this.addresses6,
        Math.max(64 * WORDS_PER_IPV6, Math.ceil(index * 1.5) * WORDS_PER_IPV6),
      );
    }
    const { addresses6 } = this;
    for (let i = 0; i < WORDS_PER_IPV6; i++) addresses6[start + i] = words[at + i];
    return index;
  }

  #resize(capacity: number): void {
    this.#capacity = capacity;
    for (const name of ROW_COLUMNS) this[name] = grown(this[name], capacity);
    const { info } = this;
    if (info === null) return;
    const known = new Uint8Array(capacity);
    known.set(info.known);
    info.known = known;
    info.lastDataSent = grown(info.lastDataSent, capacity);
    info.lastDataRecv = grown(info.lastDataRecv, capacity);
    info.lastAckRecv = grown(info.lastAckRecv, capacity);
    info.dataSegsIn = grown(info.dataSegsIn, capacity);
  }
}

function emptyInfo(): InfoColumns {
  const none = new Uint32Array(0);
  return {
    known: new Uint8Array(0),
    lastDataSent: none,
    lastDataRecv: none,
    lastAckRecv: none,
    dataSegsIn: none,
  };
}

function grown(column: Uint32Array | undefined, length: number): Uint32Array {
  const larger = new Uint32Array(length);
  if (column !== undefined) larger.set(column);
  return larger;
}
