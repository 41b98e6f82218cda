import { formatAddress } from '../socket/address.ts';
import { AF_INET6 } from '../socket/row.ts';
import type { TraceRecord } from './trace-record.ts';

export interface Endpoint {
  readonly address: string;
  /** 0 where it is not chosen yet. */
  readonly port: number;
}

export interface Endpoints {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

export function endpointsOf(record: TraceRecord): Endpoints {
  return {
    local: new LazyEndpoint(record, 0, record.localPort),
    remote: new LazyEndpoint(record, 4, record.remotePort),
  };
}

/** Most sockets' addresses are never shown: the text is made when it is asked for. */
class LazyEndpoint implements Endpoint {
  readonly port: number;
  /** The address of IPv4 in network byte order, or the words of IPv6's. */
  readonly #raw: number | Uint32Array;
  #text: string | null = null;

  constructor({ addresses, at, family }: TraceRecord, offset: 0 | 4, port: number) {
    this.port = port;
    const from = at + offset;
    this.#raw = family === AF_INET6 ? addresses.slice(from, from + 4) : addresses[from];
  }

  get address(): string {
    const raw = this.#raw;
    this.#text ??=
      typeof raw === 'number' ? textOfIpv4(raw) : formatAddress(new Uint8Array(raw.buffer));
    return this.#text;
  }
}

const TEXTS_AT_MOST = 10_000;
const texts = new Map<number, string>();

/** The same few addresses come again and again. */
function textOfIpv4(word: number): string {
  let text = texts.get(word);
  if (text === undefined) {
    if (texts.size >= TEXTS_AT_MOST) texts.clear();
    // join() gives a flat string, which is read faster than one that + has put together.
    text = [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24].join('.');
    texts.set(word, text);
  }
  return text;
}
