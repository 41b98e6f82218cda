// Fault: a child process gets a copy of each connection, so that the server's close sends no FIN. Languages that let children
// inherit descriptors by default do it by accident; Node does it when told.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
/** As long as we are there; of its own commands none gets the copy. */
const JOB = 'while kill -0 $PPID; do sleep 1 3<&-; done';
const isFixed = process.argv.includes('--fixed');

const server = createServer({ pauseOnConnect: true }, (socket) => {
  const inherited = isFixed ? [] : [socket];
  spawn('sh', ['-c', JOB], { stdio: ['ignore', 'ignore', 'ignore', ...inherited] });
  setTimeout(() => socket.destroy(), 100);
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
