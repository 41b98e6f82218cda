// A server that answers every request with more than a reader takes unasked, and closes; and the end of the program.
const net = require('node:net');

const BODY = 'x'.repeat(96 * 1024);
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n`;

exports.startServer = (ready) => {
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(HEAD + BODY));
  });
  server.listen(0, '127.0.0.1', () => ready(server.address().port));
};

exports.linger = () => setTimeout(() => process.exit(), 1500);
