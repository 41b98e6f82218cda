// The server of close-while-writing.mjs, with closeGracefully(): it closes when the answer is out.
import { createServer } from 'node:net';
import { closeGracefully } from '@lastack/net';

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.write(Buffer.alloc(20_000_000), (error) => console.log('write', error?.message ?? 'done'));
  setTimeout(() => {
    void closeGracefully(socket);
  }, 0);
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
