import { parseAddress } from '../socket/address.ts';
import type { HostTerm } from './ast.ts';
import { FilterError } from './filter-error.ts';
import type { FilterNames } from './names.ts';

export type Endpoint = Pick<HostTerm, 'family' | 'address' | 'prefix' | 'port'>;

type Family = HostTerm['family'];

const BRACKETED = /^\[([^\]]*)\](\/[^:]*)?(?::(.*))?$/s;
const ANY_ADDRESS = new Set(['', '*', 'any', 'all', 'default']);

/**
 * `[FAMILY:]ADDRESS[/PREFIX][:PORT]`, every part optional, as in ss(8): `10.0.0.1:443`, `10/8`, `:ssh`, `*:443`, `[::1]:80`,
 * `inet6:*`. Beyond ss, IPv6 addresses need no brackets when no port follows, and a prefix may stand behind them.
 */
export function parseEndpoint(text: string, position: number, names: FilterNames): Endpoint {
  const [family, rest] = splitFamily(text, position);
  const [addressText, portText] = splitPort(rest, position);
  const port = parsePort(portText, position, names);
  if (ANY_ADDRESS.has(addressText)) return { family, address: null, prefix: 0, port };
  const slash = addressText.indexOf('/');
  const numeric = slash === -1 ? addressText : addressText.slice(0, slash);
  const address = parseNumericAddress(numeric, family, position);
  const bits = address.length * 8;
  if (slash === -1) return { family, address, prefix: bits, port };
  const prefix = parsePrefix(addressText.slice(slash + 1));
  if (prefix === null || prefix > bits) {
    throw new FilterError(
      `'${addressText.slice(slash)}' is no prefix length: write / and 0 to ${bits}`,
      position,
    );
  }
  return { family, address, prefix, port };
}

/** `[FAMILY:][:]PORT`; null for `*`, any port. */
export function parsePortOperand(
  text: string,
  position: number,
  names: FilterNames,
): readonly [family: Family, port: number | null] {
  const [family, rest] = splitFamily(text, position);
  const port = rest.startsWith(':') ? rest.slice(1) : rest;
  if (/[.:[]/.test(port)) {
    throw new FilterError(
      `'${text}' is not a port: compare addresses with src or dst, as in dst ${text}`,
      position,
    );
  }
  return [family, parsePort(port, position, names)];
}

/** A number as strtol(3) reads it with base 0, but not octal, which nobody means; null when the text is none. */
export function parseInteger(text: string): number | null {
  return /^(?:0x[0-9a-f]+|0|[1-9]\d*)$/i.test(text) && Number.isSafeInteger(Number(text))
    ? Number(text)
    : null;
}

function splitFamily(text: string, position: number): readonly [family: Family, rest: string] {
  if (text.startsWith('inet:')) return ['inet', text.slice(5)];
  if (text.startsWith('inet6:')) return ['inet6', text.slice(6)];
  const other = /^(?:unix|link|netlink|vsock|tipc|xdp):/.exec(text);
  if (other !== null) {
    throw new FilterError(`'${other[0]}' is no TCP family: use inet: or inet6:`, position);
  }
  return [null, text];
}

function splitPort(text: string, position: number): readonly [address: string, port: string] {
  if (text.startsWith('[')) {
    const match = BRACKETED.exec(text);
    if (match === null) {
      throw new FilterError(`write '${text}' as [ADDRESS]:PORT or [ADDRESS]/PREFIX`, position);
    }
    return [match[1] + (match.at(2) ?? ''), match.at(3) ?? ''];
  }
  const slash = text.indexOf('/');
  const colon = text.lastIndexOf(':');
  const isBareIpv6 = slash === -1 && text.indexOf(':') !== colon;
  if (isBareIpv6 || colon < slash || colon === -1) return [text, ''];
  return [text.slice(0, colon), text.slice(colon + 1)];
}

function parsePort(text: string, position: number, names: FilterNames): number | null {
  if (text === '' || text === '*') return null;
  const port = parseInteger(text) ?? names.services?.(text) ?? null;
  if (port === null) {
    throw new FilterError(`unknown service '${text}': give the port as a number`, position);
  }
  if (port > 0xffff) {
    throw new FilterError(`${text} is not a port: ports are 0 to 65535`, position);
  }
  return port;
}

function parseNumericAddress(text: string, family: Family, position: number): Uint8Array {
  if (text.includes('%')) {
    throw new FilterError(
      `'${text}' has a zone, which sockets do not show: leave out % and add dev NAME`,
      position,
    );
  }
  const address = text.includes(':') ? parseAddress(text) : parseShortIpv4(text);
  if (address === null) {
    throw new FilterError(
      `'${text}' is not a numeric address: names are not looked up, give the host's address`,
      position,
    );
  }
  if (family !== null && (family === 'inet6') !== (address.length === 16)) {
    throw new FilterError(`'${text}' is not an address of family ${family}`, position);
  }
  return address;
}

/** As ss does, `10` stands for 10.0.0.0 and `193.233.7` for 193.233.7.0. */
function parseShortIpv4(text: string): Uint8Array | null {
  if (!/^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){0,3}$/.test(text)) return null;
  return parseAddress([...text.split('.'), 0, 0, 0].slice(0, 4).join('.'));
}

/** A number of bits, or an IPv4 netmask; null when the text is neither. */
function parsePrefix(text: string): number | null {
  const mask = text.includes('.') ? parseAddress(text) : null;
  if (mask === null) return parseInteger(text);
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : null;
}
