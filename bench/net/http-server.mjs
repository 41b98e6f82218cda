// The server of http-timeouts.mjs: a process of its own, which answers at once and ends with its parent.
import { once } from 'node:events';
import http from 'node:http';

const BODY = JSON.stringify({ id: 4711, name: 'socket', states: ['ESTABLISHED', 'LAST-ACK'] });

const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length });
  response.end(BODY);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send(server.address().port);
process.on('disconnect', () => process.exit());
