// Fault: the client sets no time-out for connecting, and nobody answers.
// Arguments: PORT CONNECTIONS
import { connect } from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);

for (let i = 0; i < count; i++) connect(port, '127.0.0.1').on('error', () => {});
console.log('ready');
setInterval(() => {}, 60_000);
