import { once } from 'node:events';
import net from 'node:net';
import { Worker } from 'node:worker_threads';

const NEVER_ACCEPTS = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** A port whose accept queue is full: the kernel drops each SYN, so that connecting to it never ends. */
export class FullBacklog implements AsyncDisposable {
  readonly port: number;
  readonly #worker: Worker;
  readonly #fillers: net.Socket[];

  private constructor(port: number, worker: Worker, fillers: net.Socket[]) {
    this.port = port;
    this.#worker = worker;
    this.#fillers = fillers;
  }

  static async start(): Promise<FullBacklog> {
    const worker = new Worker(NEVER_ACCEPTS, { eval: true });
    const [port] = (await once(worker, 'message')) as [number];
    // The kernel takes one more than the backlog.
    const fillers = [net.connect(port, '127.0.0.1'), net.connect(port, '127.0.0.1')];
    await Promise.all(fillers.map((socket) => once(socket, 'connect')));
    return new FullBacklog(port, worker, fillers);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** The sockets towards the port that are there without any client. */
  get fillers(): number {
    return this.#fillers.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#fillers) socket.destroy();
    await this.#worker.terminate();
  }
}
