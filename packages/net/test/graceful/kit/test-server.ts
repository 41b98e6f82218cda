import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import {
  gracefulServer,
  type GracefulServer,
  type GracefulServerOptions,
} from '../../../src/graceful/graceful-server.ts';
import { SELF_SIGNED } from './self-signed.ts';

/** An HTTP server that answers `ok`: at once, or on `/held` when the test lets it. */
export class TestServer {
  readonly server: Server;
  readonly graceful: GracefulServer;
  readonly requests: string[] = [];
  readonly #held: ServerResponse[] = [];

  constructor(protocol: 'tcp' | 'tls', options: GracefulServerOptions) {
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      this.#handle(request, response);
    const node = { keepAliveTimeout: 60_000 };
    this.server =
      protocol === 'tcp'
        ? createServer(node, listener)
        : createHttpsServer({ ...node, ...SELF_SIGNED }, listener);
    this.graceful = gracefulServer(this.server, options);
  }

  get port(): number {
    return portOf(this.server);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request.url ?? '');
    request.resume();
    if (request.url === '/held') this.#held.push(response);
    else response.end('ok');
  }

  /** Waits until so many requests are held. */
  async holds(count: number): Promise<void> {
    await vi.waitUntil(() => this.#held.length === count, { timeout: 20_000, interval: 2 });
  }

  /** Answers what is held. */
  letGo(): void {
    for (const response of this.#held.splice(0)) response.end('ok');
  }
}

/** A listening server, forced to its end with the test. */
export async function testServer(
  options: GracefulServerOptions = {},
  protocol: 'tcp' | 'tls' = 'tcp',
): Promise<TestServer> {
  const server = new TestServer(protocol, options);
  await listening(server.server);
  onTestFinished(async () => void (await server.graceful.force()));
  return server;
}

export function listening(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
}

export function portOf(server: NetServer): number {
  return (server.address() as AddressInfo).port;
}
