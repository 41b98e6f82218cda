// A 413 that is sent while the client is uploading: how many clients get to read it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';

export const SERVERS = ['node:http', 'lingeringClose()', 'gracefulServer()'];
const UPLOADS = 40;
const UPLOAD_BYTES = 50_000_000;
const RESPONSE_BYTES = 2000;

export async function loseEarlyResponses(execPath, server) {
  const program = fileURLToPath(new URL('early-response-server.mjs', import.meta.url));
  const child = fork(program, [server, String(RESPONSE_BYTES)], { execPath });
  const exit = once(child, 'exit');
  const [{ port }] = await once(child, 'message');
  let lost = 0;
  for (let upload = 0; upload < UPLOADS; upload++) if (!(await isAnswered(port))) lost++;
  child.kill('SIGKILL');
  await exit;
  return { lost, of: UPLOADS };
}

/** A client that reads late, as one does that writes in a loop. */
function isAnswered(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const chunk = Buffer.alloc(65_536);
    let text = '';
    let sent = 0;
    const upload = () => {
      while (!socket.destroyed && sent < UPLOAD_BYTES) {
        sent += chunk.length;
        if (!socket.write(chunk)) {
          socket.once('drain', upload);
          return;
        }
      }
    };
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => {
      resolve(text.startsWith('HTTP/1.1 413') && text.length > RESPONSE_BYTES);
    });
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`);
    upload();
    socket.pause();
    setTimeout(() => socket.resume(), 30);
  });
}
