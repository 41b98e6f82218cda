// A server under load by itself, with three sockets that it holds. First it prints `ready FD,FD,FD`; then for each line on stdin
// `REQUESTS_PER_SECOND LONGEST_PAUSE_MS` of the time since the last line: the longest that a timer of 1 ms had to wait.
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { createInterface } from 'node:readline';

const AT_A_TIME = 8;
const HELD = 3;

const listening = async (server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server.address().port;
};

const held = [];
const idle = await listening(createTcpServer((socket) => socket.resume()));
for (let each = 0; each < HELD; each++) {
  const socket = connect(idle, '127.0.0.1');
  await once(socket, 'connect');
  held.push(socket);
}

let requests = 0;
const agent = new Agent({ keepAlive: true });
const port = await listening(createServer((_request, response) => response.end('hello')));
const request = () => {
  get({ port, host: '127.0.0.1', agent }, (response) => {
    requests++;
    response.resume().once('end', request);
  });
};
for (let each = 0; each < AT_A_TIME; each++) request();

let since = performance.now();
let last = since;
let longest = 0;
setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last);
  last = now;
}, 1);

// oxlint-disable-next-line eslint/no-underscore-dangle -- net.Socket's own name for its handle
console.log(`ready ${held.map((socket) => socket._handle.fd).join(',')}`);
createInterface({ input: process.stdin })
  .on('line', () => {
    const now = performance.now();
    console.log(`${(requests * 1e3) / (now - since)} ${Math.max(longest, now - last)}`);
    [requests, since, longest, last] = [0, now, 0, now];
  })
  .on('close', () => process.exit());
