/* oxlint-disable eslint/no-underscore-dangle -- Node's own names */
import net from 'node:net';
import tls from 'node:tls';

/** What Node keeps of a socket in the kernel (TCP, Pipe), as async_hooks shows it. */
export interface Handle {
  /** Negative when there is none (yet, any more, or on this system). */
  readonly fd?: number;
  /** Undefined when it is gone. */
  hasRef?(): boolean | undefined;
  ref?(): void;
  unref?(): void;
  getsockname?(into: Address): number;
  getpeername?(into: Address): number;
}

/** What Node keeps of a TLS session. */
export interface TlsHandle {
  /** The handle that carries it. */
  readonly _parent?: Handle;
}

interface Address {
  address?: string;
  port?: number;
}

/** Closed, in the kernel too: Node's own object behind the handle is no more. */
export function isGone(handle: Handle): boolean {
  return handle.hasRef?.() === undefined;
}

let ownerSymbol: symbol | undefined;

/** The Socket or Server that has the handle; undefined while it is being made. */
export function ownerOf(handle: Handle): unknown {
  ownerSymbol ??= symbolsOf(handle).find((symbol) => symbol.description === 'owner_symbol');
  return ownerSymbol && (handle as Record<symbol, unknown>)[ownerSymbol];
}

function symbolsOf(handle: Handle): symbol[] {
  return Object.getOwnPropertySymbols(handle);
}

/** `127.0.0.1:4000`, `[::1]:4000`, a path, or undefined when there is none. */
export function localAddress(handle: Handle): string | undefined {
  const owner = ownerOf(handle);
  const bound = owner instanceof net.Server ? owner.address() : null;
  if (typeof bound === 'string') return bound;
  return askAddress((into) => handle.getsockname?.(into));
}

export function remoteAddress(handle: Handle): string | undefined {
  return askAddress((into) => handle.getpeername?.(into));
}

function askAddress(ask: (into: Address) => number | undefined): string | undefined {
  const { address, port } = ((into: Address) => (ask(into) === 0 ? into : {}))({});
  if (address === undefined || port === undefined || port === 0) return undefined;
  // A listener for both families says so of its IPv4 connections; their clients do not.
  const host = address.replace(/^::ffff:(?=.*\.)/, '');
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export function isTls(handle: Handle, sessions: Iterable<TlsHandle>): boolean {
  if (ownerOf(handle) instanceof tls.TLSSocket) return true;
  for (const session of sessions) if (session._parent === handle) return true;
  return false;
}
