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
    local: { address: addressOf(record, 0), port: record.localPort },
    remote: { address: addressOf(record, 4), port: record.remotePort },
  };
}

function addressOf({ addresses, at, family }: TraceRecord, word: number): string {
  const length = family === AF_INET6 ? 16 : 4;
  return formatAddress(
    new Uint8Array(addresses.buffer, addresses.byteOffset + (at + word) * 4, length),
  );
}
