// A server that answers every request with more than a reader takes unasked, and closes; and the end of the program.
const net = require('node:net');

exports.startServer = (ready, kib = 160) => {
  const body = 'x'.repeat(kib * 1024);
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(head + body));
  });
  server.listen(0, '127.0.0.1', () => ready(server.address().port));
};

exports.linger = () => setTimeout(() => process.exit(), 1500);
