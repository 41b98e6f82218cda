import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connect,
  type ConnectOptions,
  type ConnectionHandler,
  listen,
  type Listener,
  type ListenOptions,
  type SafeSocket,
} from '../../src/index.ts';
import { SELF_SIGNED } from '../graceful/kit/self-signed.ts';

/** The ways in which two ends may be connected. */
export const TRANSPORTS = ['tcp', 'tls', 'unix'] as const;
export type Transport = (typeof TRANSPORTS)[number];

type CommonOptions = Omit<ConnectOptions, 'host' | 'port' | 'path' | 'tls'>;

/** A listener, and how to connect to it. */
export interface Served extends AsyncDisposable {
  readonly listener: Listener;
  readonly dial: (options?: CommonOptions) => Promise<SafeSocket>;
}

export async function serve(
  transport: Transport,
  handler?: ConnectionHandler,
  options: ListenOptions = {},
): Promise<Served> {
  const folder = transport === 'unix' ? mkdtempSync(join(tmpdir(), 'net-')) : null;
  const where = folder === null ? { host: '127.0.0.1' } : { path: join(folder, 'socket') };
  const keys = transport === 'tls' ? { tls: SELF_SIGNED } : {};
  const listener = await listen({ ...where, ...keys, ...options }, handler);
  return {
    listener,
    dial: (options = {}) =>
      connect({
        ...options,
        ...(folder === null
          ? {
              host: transport === 'tls' ? 'localhost' : '127.0.0.1',
              port: listener.port,
              family: 4,
            }
          : { path: join(folder, 'socket') }),
        ...(transport === 'tls' ? { tls: { ca: SELF_SIGNED.cert } } : {}),
      }),
    [Symbol.asyncDispose]: async () => {
      await listener.close({ deadline: 0 });
      if (folder !== null) rmSync(folder, { recursive: true });
    },
  };
}

/** Both ends of one connection. */
export interface Ends extends AsyncDisposable {
  readonly client: SafeSocket;
  readonly server: SafeSocket;
}

export async function openEnds(
  transport: Transport,
  options: { client?: CommonOptions; server?: ListenOptions } = {},
): Promise<Ends> {
  const served = await serve(transport, undefined, options.server);
  const [client, server] = await Promise.all([
    served.dial(options.client),
    served.listener.accept(),
  ]);
  if (server === null) throw new Error('the listener closed');
  return {
    client,
    server,
    [Symbol.asyncDispose]: async () => {
      client.abort();
      await served[Symbol.asyncDispose]();
    },
  };
}

/** All that arrives until the FIN. */
export async function readAll(socket: SafeSocket): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}
