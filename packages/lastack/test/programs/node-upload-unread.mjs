// Fault: before it reads an upload, the handler asks another service, which never answers, and it has set no time-out. Nobody
// reads the body behind what fits Node's buffers, so Node does not learn that the client has left.
// The doctor says: close-wait-leak, not-reading.
/* oxlint-disable typescript/no-misused-promises -- people write such handlers */
import { createServer, get } from 'node:http';

const [port, upstream] = process.argv.slice(2, 4).map(Number);
const isHealthy = process.argv.includes('--healthy');
const uploads = new Map();

function isAllowed(path) {
  const signal = isHealthy ? AbortSignal.timeout(200) : undefined;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: upstream, path, signal }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', reject);
  });
}

const server = createServer(async (request, response) => {
  uploads.set(request.socket, request);
  request.on('close', () => uploads.delete(request.socket));
  const status = await isAllowed(request.url).then(
    (isSo) => (isSo ? 200 : 403),
    () => 503,
  );
  request.resume();
  response.writeHead(status, { connection: 'close' }).end();
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
