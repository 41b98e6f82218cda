// The other side of a client: it says what the client's protocol needs to go on, and no more.
// Arguments: http|postgres|redis PORT [KIB], the length of a body over HTTP.
import { createServer } from 'node:net';

const [protocol, port, kib = 160] = process.argv.slice(2);

const BODY = Number(kib) * 1024;
/** More than a client reads unasked; then it closes. */
function answerHttp(socket) {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY}\r\n\r\n`;
  socket.once('data', () => socket.end(head + 'x'.repeat(BODY), () => socket.destroy()));
}

/** AuthenticationOk and ReadyForQuery for the start-up, CommandComplete and ReadyForQuery for a query. */
function answerPostgres(socket) {
  const ready = [0x5a, 0, 0, 0, 5, 0x49];
  socket.on('data', (data) => {
    const isQuery = data[0] === 0x51;
    if (isQuery) socket.write(Buffer.from([0x43, 0, 0, 0, 13, ...Buffer.from('SELECT 0\0')]));
    else socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]));
    socket.write(Buffer.from(ready));
  });
}

/** OK to every command. */
function answerRedis(socket) {
  socket.on('data', (data) => {
    const commands = data.toString('latin1').match(/^\*\d+\r$/gm) ?? [];
    socket.write('+OK\r\n'.repeat(commands.length));
  });
}

const answer = { http: answerHttp, postgres: answerPostgres, redis: answerRedis }[protocol];
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  answer(socket);
});
server.listen(Number(port), '0.0.0.0', () => console.log('ready', port));
