// Fault: connections are paused until a worker is free to serve them, and none ever is: nobody reads, not even the end.
// The doctor says: close-wait-leak, not-reading.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');
const waiting = [];

const server = createServer({ pauseOnConnect: true }, (socket) => {
  if (isHealthy) socket.resume();
  else waiting.push(socket);
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
