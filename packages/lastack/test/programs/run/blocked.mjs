// Fault: the program computes for ever as soon as it is connected. Argument: the port.
import { writeSync } from 'node:fs';
import net from 'node:net';

const port = Number(process.argv[2]);
const socket = net.connect({ port, host: 'service', lookup }); // made here
socket.on('connect', () => {
  writeSync(1, 'ready\n');
  for (;;);
});

function lookup(_host, _options, done) {
  setImmediate(() => done(null, [{ address: '127.0.0.1', family: 4 }]));
}
