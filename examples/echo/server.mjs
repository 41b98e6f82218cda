// Answers each line with the time at which it came, to any number of clients at once.
import { messageOf, misuse, readOptions, readPort } from './options.mjs';
import { serveByProcess } from './serve-by-process.mjs';
import { serveHere } from './serve-here.mjs';

/**
 * @typedef {object} EchoServer
 * @property {number} port
 * @property {() => Promise<void>} close stops listening, closes every connection, and waits until all is released
 */

const USAGE = `usage: node server.mjs [--port N] [--host H] [--isolate process|worker]
  --port     default 7007; 0 takes a free one
  --host     default: all addresses of this host
  --isolate  a process, or a worker thread, for each connection`;

const options = readOptions(USAGE, ['port', 'host', 'isolate']);
const { port: portText = '7007', host, isolate } = options;
const port = readPort(USAGE, portText);

const server = await start().catch((error) => {
  console.error(`cannot listen on port ${port}: ${messageOf(error)}`);
  process.exit(1);
});
console.log(`listening on port ${server.port}`);

// Once: whoever does not want to wait asks again, and the program is ended.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close());

async function start() {
  switch (isolate) {
    case undefined:
    case 'worker':
      return serveHere({ port, host, withWorkers: isolate === 'worker' });
    case 'process':
      return serveByProcess({ port, host });
    default:
      return misuse(USAGE, `--isolate must be process or worker, not ${isolate}`);
  }
}
