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
    this.#text ??= formatAddress(
      new Uint8Array(
        (typeof this.#raw === 'number' ? Uint32Array.of(this.#raw) : this.#raw).buffer,
      ),
    );
    return this.#text;
  }
}
