// Connects to nobody again and again, each time from the end of the last one; healthy. Says whether the first is collected.
const { connect } = require('node:net');

const MOST = 5000;
let first;

function attempt(number) {
  const socket = connect({ port: 1, host: '127.0.0.1' });
  first ??= new WeakRef(socket);
  socket.on('error', () => {});
  socket.on('close', () => {
    if (number % 100 === 0) globalThis.gc();
    if (number % 100 === 1 && first.deref() === undefined) console.log('collected');
    else if (number === MOST) console.log('kept');
    else attempt(number + 1);
  });
}

attempt(1);
