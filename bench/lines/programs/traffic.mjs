// traffic.mjs KIND: for each number on stdin makes so many connections (or requests) to itself, and prints `CPU_MS COUNT`: the
// processor time of this process, all its threads, user and system.
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { createInterface } from 'node:readline';

/** So many go on at a time, as in a service that is busy. */
const AT_A_TIME = 8;

const httpServer = () => createServer((_request, response) => response.end('hello'));

/** What listens, and one operation. */
const KINDS = {
  'http connection': [httpServer, request(new Agent({ keepAlive: false }))],
  'keep-alive request': [httpServer, request(new Agent({ keepAlive: true }))],
  'bare TCP pair': [() => createTcpServer((socket) => socket.end('hello')), exchange],
};

function request(agent) {
  return (port, done) => {
    get({ port, host: '127.0.0.1', agent }, (response) => response.resume().once('end', done));
  };
}

function exchange(port, done) {
  const socket = connect(port, '127.0.0.1');
  socket.resume();
  socket.once('close', done);
}

function operate(operation, port, count) {
  return new Promise((resolve) => {
    let [begun, done] = [0, 0];
    const next = () => {
      if (begun < count) {
        begun++;
        operation(port, () => {
          if (++done === count) resolve();
          else next();
        });
      }
    };
    for (let each = 0; each < AT_A_TIME; each++) next();
  });
}

const [listen, operation] = KINDS[process.argv[2]];
const server = listen().listen(0, '127.0.0.1');
await once(server, 'listening');
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const count = Number(line);
  const before = process.cpuUsage();
  await operate(operation, server.address().port, count);
  const { user, system } = process.cpuUsage(before);
  console.log(`${(user + system) / 1e3} ${count}`);
}
process.exit();
