// A client of the lab that does what it is told.
// Arguments: HOST PORT CONNECTIONS STEP..., where a step is one of
//   send[=BYTES]  read  until-end  wait=MS  end  close  reset  deaf  vanish
// "read" waits for data, "until-end" for the server's FIN; "end" sends a FIN, "close" closes, "deaf" stops reading, "vanish"
// lets nothing more arrive.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const { deafen } = createRequire(import.meta.url)('./libc.cjs');
const [host, port, count, ...steps] = process.argv.slice(2);
const kept = [];
let received = 0;
const errors = new Set();

/** Node has it under a name that is its own. */
function fdOf({ _handle: handle }) {
  return handle.fd;
}

async function converse() {
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  kept.push(socket);
  socket.on('error', ({ code }) => errors.add(code));
  const reading = new AbortController();
  socket.once('close', () => reading.abort());
  let bytes = 0;
  const ended = once(socket, 'end', { signal: reading.signal }).catch(() => {});
  const answered = once(socket, 'data', { signal: reading.signal }).catch(() => {});
  socket.on('data', (data) => (bytes += data.length));
  await once(socket, 'connect', { signal: reading.signal }).catch(() => {});
  for (const step of steps) {
    const [name, value] = step.split('=');
    switch (name) {
      case 'send':
        socket.write(value === undefined ? 'hello\n' : Buffer.alloc(Number(value)));
        break;
      case 'read':
        await answered;
        break;
      case 'until-end':
        await ended;
        break;
      case 'wait':
        await delay(Number(value));
        break;
      case 'end':
        socket.end();
        break;
      case 'close':
        socket.destroy();
        break;
      case 'reset':
        socket.resetAndDestroy();
        break;
      case 'deaf':
        socket.pause();
        break;
      case 'vanish':
        deafen(fdOf(socket));
        break;
      default:
        throw new Error(`no such step: ${step}`);
    }
  }
  received += bytes;
}

await Promise.all(Array.from({ length: Number(count) }, converse));
for (const code of errors) console.log('error', code);
console.log('received', received, 'bytes');
console.log('ready');
// Connections that the steps left open stay open.
setInterval(() => {}, 60_000);
