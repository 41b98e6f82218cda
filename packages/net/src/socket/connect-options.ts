import net from 'node:net';
import { inspect } from 'node:util';
import { checkOptions } from '../options.ts';
import { checkCloseOptions, closeLimits } from './close-report.ts';
import type { ConnectOptions } from './connect.ts';

/** @throws TypeError, RangeError that names the option of `connect()` that is wrong */
export function checkConnectOptions(options: ConnectOptions): void {
  if (options === undefined) {
    throw new TypeError('connect: options must have host and port, or path');
  }
  checkOptions<object>('connect', options, {
    host: 'string',
    port: 'any',
    path: 'string',
    timeouts: 'object',
    signal: 'any',
    close: 'object',
    tls: 'any',
    noDelay: 'boolean',
    keepAlive: 'count',
    localAddress: 'string',
    family: 'any',
  });
  checkCloseOptions('connect: close', options.close, { onReport: 'function' });
  closeLimits(options.close);
  if (options.path === undefined) checkAddress(options.host, options.port);
  else if (options.path === '') throw new TypeError('connect: path must be the file of a socket');
}

function checkAddress(host: string, port: unknown): void {
  if (host === undefined || host === '') {
    throw new TypeError(`connect: host must be a name or an address, not ${inspect(host)}`);
  }
  if (/^\[.*\]$/.test(host) && net.isIPv6(host.slice(1, -1))) {
    throw new TypeError(`connect: host is ${inspect(host)}: write it without brackets`);
  }
  if (!(typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw new RangeError(`connect: port must be 1 to 65535, not ${inspect(port)}`);
  }
}
