// A server that answers when its parent says so, with a deadline that no test waits for.
import { createServer } from 'node:http';
import { gracefulServer } from '../../../dist/index.mjs';

const held = [];
const server = createServer((_request, response) => {
  held.push(response);
  process.send({ request: true });
});
const graceful = gracefulServer(server, {
  signals: ['SIGTERM', 'SIGINT'],
  deadline: 600_000,
  onShutdown(report) {
    process.send({ report });
    process.disconnect();
  },
});
process.on('SIGTERM', () => process.send({ signalled: true }));
process.on('message', (order) => {
  if (order === 'shut down') void graceful.shutdown();
  if (order === 'answer') for (const response of held) response.end('ok');
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
