import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { vi } from 'vitest';

/** A client that speaks HTTP byte by byte, and closes only when it is told to. */
export class RawClient {
  readonly socket: Socket;
  text = '';
  /** The server's FIN came. */
  hasEnded = false;
  /** The connection is gone; `error` says how, if not by FINs. */
  isClosed = false;
  error: string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (this.text += text));
    socket.on('end', () => (this.hasEnded = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code));
    socket.on('close', () => (this.isClosed = true));
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** How many whole responses came: all of the tests' have a body of two bytes. */
  get answers(): number {
    return this.text.match(/HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\nok/g)?.length ?? 0;
  }

  get closeHeaders(): number {
    return this.text.match(/connection: close/gi)?.length ?? 0;
  }

  async until(what: (client: this) => boolean): Promise<void> {
    await vi.waitUntil(() => what(this), { timeout: 20_000, interval: 2 });
  }
}

export async function rawClient(port: number, protocol: 'tcp' | 'tls' = 'tcp'): Promise<RawClient> {
  // It stays half open: what the server does with bytes after its FIN is to be seen.
  const options = { port, host: '127.0.0.1', allowHalfOpen: true };
  const socket =
    protocol === 'tcp' ? connect(options) : connectTls({ ...options, rejectUnauthorized: false });
  const client = new RawClient(socket);
  await new Promise((resolve) => {
    socket.once(protocol === 'tcp' ? 'connect' : 'secureConnect', resolve);
  });
  return client;
}

export function get(path = '/', headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
}
