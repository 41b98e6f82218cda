// Fault: a client ends its sending side and keeps the rest open for an end that its server never sends.
// The doctor says: fin-wait-2-held.
// Arguments: HOST PORT CONNECTIONS
import { connect } from 'node:net';

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const asked = new Set();

function ask() {
  const socket = connect(port, host, () => {
    asked.add(socket);
    socket.end('request\n');
    if (asked.size === count) console.log('ready');
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => asked.delete(socket));
  socket.resume();
}

for (let i = 0; i < count; i++) ask();
// The service it belongs to.
setInterval(() => {}, 60_000);
