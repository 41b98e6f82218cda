// Fault: the server gives each connection to a command as descriptor 3, and keeps its own copy: the end of the command
// sends no FIN.
// The doctor says: inherited-socket, held by server and command.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');
const connections = new Set();

const server = createServer({ pauseOnConnect: true }, (socket) => {
  const stdio = ['ignore', 'ignore', 'ignore'];
  spawn('sleep', ['3600'], { stdio: isHealthy ? stdio : [...stdio, socket] });
  connections.add(socket);
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
