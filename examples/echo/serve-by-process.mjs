// A process for each connection. Node marks every descriptor close-on-exec, so a child has no copy of the listener; the
// connection is sent to it, and closed here once it has it (keepOpen: false). Node waits for each child: no zombies.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('connection-process.mjs', import.meta.url));
/** A child that has not ended by then is ended, ms. */
const DEADLINE_MS = 3000;

/**
 * @param {{ port: number, host: string | undefined }} options
 * @returns {Promise<import('./server.mjs').EchoServer>}
 */
export async function serveByProcess({ port, host }) {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const children = new Set();
  // Paused: what the client sends at once must be read by the child, not by us.
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    const child = fork(PROGRAM);
    children.add(child);
    child.once('exit', () => {
      children.delete(child);
      socket.destroy();
    });
    child.on('error', (error) => {
      console.error(`cannot serve a connection: ${error.message}`);
      children.delete(child);
      socket.destroy();
    });
    child.send('serve', socket, { keepOpen: false });
  });
  server.listen({ port, ...(host !== undefined && { host }) });
  await once(server, 'listening');

  return {
    port: /** @type {net.AddressInfo} */ (server.address()).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      await Promise.all([closed, ...[...children].map(endChild)]);
    },
  };
}

/**
 * The child closes its connection when the channel to us closes, for whatever reason.
 * @param {import('node:child_process').ChildProcess} child
 */
async function endChild(child) {
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  const overdue = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  await exited;
  clearTimeout(overdue);
}
