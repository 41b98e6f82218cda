import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A process with TCP sockets, and a child of it that shares one of them. */
export interface SocketHolder extends AsyncDisposable {
  readonly pid: number;
  /** What it holds, by its own account. */
  readonly listening: HeldSocket;
  readonly connected: readonly HeldSocket[];
  readonly child: { readonly pid: number; readonly fd: number };
}

interface HeldSocket {
  readonly fd: number;
  readonly inode: number;
  readonly remotePort: number;
}

const PROGRAM = `
const net = require('node:net');
const { fstatSync } = require('node:fs');
const { spawn } = require('node:child_process');
const held = ({ _handle: { fd }, remotePort = 0 }) => ({ fd, inode: fstatSync(fd).ino, remotePort });
const server = net.createServer({ allowHalfOpen: true });
const accepted = [];
server.on('connection', (socket) => accepted.push(socket));
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const clients = [1, 2, 3].map(() => net.connect(port, '127.0.0.1'));
  await Promise.all(clients.map((client) => new Promise((done) => client.once('connect', done))));
  while (accepted.length < 3) await new Promise(setImmediate);
  const wait = 'process.stdin.on("end", () => process.exit()).resume(); console.log("ready")';
  const child = spawn(process.execPath, ['-e', wait], {
    stdio: ['pipe', 'pipe', 'ignore', server._handle.fd],
  });
  child.stdout.once('data', () => console.log(JSON.stringify({
    pid: process.pid,
    listening: held(server),
    connected: [...clients, ...accepted].map(held),
    child: { pid: child.pid, fd: 3 },
  })));
  child.once('exit', () => process.exit());
  process.stdin.on('end', () => child.stdin.end()).resume();
});
process.title = 'held';
`;

/** Starts the process; it and its child end when it is disposed, or when the test process ends. */
export async function startSocketHolder(
  options: { readonly uid?: number } = {},
): Promise<SocketHolder> {
  const holder = spawn(process.execPath, ['-e', PROGRAM], {
    cwd: '/',
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const line = await firstLine(holder);
  const account = JSON.parse(line) as Omit<SocketHolder, keyof AsyncDisposable>;
  return {
    ...account,
    async [Symbol.asyncDispose]() {
      const ended = once(holder, 'close');
      holder.stdin.end();
      await ended;
    },
  };
}

async function firstLine(child: ChildProcessWithoutNullStreams): Promise<string> {
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  for await (const line of createInterface(child.stdout)) return line;
  throw new Error(`the holder of sockets did not start: ${complaint}`);
}
