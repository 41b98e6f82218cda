// All that the faulty programs do, and closed.
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';

const server = http.createServer((_request, response) => response.end('x'.repeat(100_000)));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
for (let i = 0; i < 3; i++) {
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' });
  await response.text();
  const [answer] = await once(http.get({ host: '127.0.0.1', port }), 'response');
  answer.resume();
  await once(answer, 'end');
}
const socket = net.connect(port, '127.0.0.1', () => socket.destroy());
await once(socket, 'close');
server.close();
