// A server whose answer never comes, with a deadline that no test waits for.
import { createServer } from 'node:http';
import { gracefulServer } from '../../../dist/index.mjs';

const server = createServer(() => process.send('request'));
gracefulServer(server, {
  signals: ['SIGTERM', 'SIGINT'],
  deadline: 600_000,
  onShutdown(report) {
    process.send(report);
    process.disconnect();
  },
});
process.on('SIGUSR2', () => {});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
