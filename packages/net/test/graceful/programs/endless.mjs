// A server whose answer never comes, with a deadline that no test waits for; with STAYS the process goes on afterwards.
import { createServer } from 'node:http';
import { gracefulServer } from '../../../dist/index.mjs';

const server = createServer(() => process.send({ request: true }));
gracefulServer(server, {
  signals: ['SIGTERM', 'SIGINT'],
  deadline: 600_000,
  onShutdown(report) {
    process.send({ report });
    if (!process.env.STAYS) process.disconnect();
  },
});
if (process.env.STAYS) process.on('message', () => {});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
