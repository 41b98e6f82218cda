// A client of Redis that is not closed when the program has what it wanted. ioredis connects in the next tick.
const { createServer } = require('node:net');
const Redis = require('ioredis');

const server = createServer((socket) => socket.resume());
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  function open() {
    const options = { port, host: '127.0.0.1', enableReadyCheck: false };
    return new Redis(options); // made here
  }
  open().once('connect', () => {
    server.close();
    process.exit();
  });
});
