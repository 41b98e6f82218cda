import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

/** What a peer does with a connection so that its client waits. */
export type Stall =
  | 'never-reads'
  | 'never-answers'
  | 'drips-headers'
  | 'stalls-body'
  | 'drips-body'
  | 'answers';

/** A server that speaks HTTP/1.1 by hand, and badly. */
export class StallingServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: net.Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: net.Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(stall: Stall): Promise<StallingServer> {
    const sockets = new Set<Socket>();
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      serve(socket, stall);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StallingServer(server, sockets);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n';

function serve(socket: Socket, stall: Stall): void {
  if (stall === 'never-reads') return;
  let drip: NodeJS.Timeout | undefined;
  socket.on('close', () => clearInterval(drip));
  socket.on('data', () => {
    if (stall === 'answers') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    if (stall === 'stalls-body') socket.write(`${HEAD}\r\nabc`);
    if (drip) return;
    if (stall === 'drips-headers') {
      socket.write('HTTP/1.1 200 OK\r\n');
      drip = setInterval(() => socket.write('x-a: b\r\n'), 20);
    }
    if (stall === 'drips-body') {
      socket.write(`${HEAD}\r\n`);
      drip = setInterval(() => socket.write('x'), 20);
    }
  });
  socket.resume();
}
