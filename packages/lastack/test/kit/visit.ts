import { once } from 'node:events';
import { connect } from 'node:net';

/** A client on loopback that asks, has sent its FIN, and reads what still comes, so that its end is no reset. */
export async function visit(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {}).resume();
  socket.end('GET /page HTTP/1.0\r\n\r\n');
  socket.unref();
}
