// Fault: the program ends without closing its connection. Argument: the port.
import net from 'node:net';

function connect() {
  return net.connect(Number(process.argv[2]), '127.0.0.1'); // made here
}

const socket = connect();
socket.once('connect', () => process.exit());
