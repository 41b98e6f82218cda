// Fault: a server with half-open connections that never ends its own half.
import net from 'node:net';

const kept = new Set();

function start(port) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    kept.add(socket);
    socket.on('error', () => socket.destroy()).resume();
  });
  server.listen(port, '127.0.0.1', () => visit(server.address().port)); // made here
}

function visit(port) {
  for (let i = 0; i < 2; i++) {
    const client = net.connect(port, '127.0.0.1', () => client.destroy());
  }
  if (!process.argv.includes('--stay')) setTimeout(() => process.exit(), 1500);
}

start(0);
process.on('SIGTERM', () => process.exit(0));
