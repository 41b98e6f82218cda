// The process of one connection. It ends when the client does, or when the server does: then the channel to it is closed.
import { once } from 'node:events';
import net from 'node:net';
import { closeGracefully } from '@lastack/net';
import { answerTo } from './answer.mjs';
import { linesOf } from './lines.mjs';

// Ctrl-C goes to all processes of the terminal; the server says when to close.
process.on('SIGINT', () => {});
const serverEnded = once(process, 'disconnect');
const [, socket] = await once(process, 'message');
if (socket instanceof net.Socket) {
  socket.allowHalfOpen = true;
  await Promise.race([serve(socket), serverEnded]);
  await closeGracefully(socket, { deadline: 2000 });
}
if (process.connected) process.disconnect();

/** @param {net.Socket} socket */
async function serve(socket) {
  try {
    for await (const line of linesOf(socket.iterator({ destroyOnReturn: false }))) {
      if (!socket.write(answerTo(line))) await once(socket, 'drain');
    }
  } catch (error) {
    if (!socket.destroyed) console.error(error instanceof Error ? error.message : error);
  }
}
