// What the leak guard costs: connections a second, and promises a second, with and without it, in turns.
// `node bench/net/guard.mjs [ROUNDS]`
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import net from 'node:net';
import { trackSockets } from '../../packages/net/dist/index.mjs';

const ROUNDS = Number(process.argv[2] ?? 9);
const CONNECTIONS = 4000;
const AT_ONCE = 32;
const AWAITS = 1_000_000;

const server = net.createServer((socket) => socket.resume().end());
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();

async function connectAndClose() {
  const socket = net.connect(port, '127.0.0.1').resume();
  socket.end();
  await once(socket, 'close');
}

async function connections() {
  let left = CONNECTIONS;
  const client = async () => {
    while (left-- > 0) await connectAndClose();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  return CONNECTIONS;
}

async function nothing() {}

async function awaits() {
  for (let count = 0; count < AWAITS; count += 1) await nothing();
  return AWAITS;
}

async function perSecond(work) {
  const start = performance.now();
  const done = await work();
  return (done * 1000) / (performance.now() - start);
}

const storage = new AsyncLocalStorage();
/** Many programs, and node:test, have an AsyncLocalStorage or more anyway. */
const WAYS = {
  nothing: (work) => work(),
  AsyncLocalStorage: (work) => storage.run({}, work),
  async 'leak guard'(work) {
    const sockets = trackSockets();
    try {
      return await sockets.run({ name: 'bench' }, work);
    } finally {
      sockets[Symbol.dispose]();
    }
  },
};

for (const [what, work] of Object.entries({ connections, awaits })) {
  const rates = Object.fromEntries(Object.keys(WAYS).map((way) => [way, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [way, run] of Object.entries(WAYS)) {
      const rate = await perSecond(() => run(work));
      storage.disable();
      if (round >= 0) rates[way].push(rate);
    }
  }
  for (const [way, all] of Object.entries(rates)) {
    const sorted = all.toSorted((a, b) => a - b);
    const [least, median, most] = [0, 0.5, 1].map((at) =>
      Math.round(sorted[Math.round(at * (sorted.length - 1))]),
    );
    console.log(`${what}/s  ${way.padEnd(18)} median ${median}  (${least} to ${most})`);
  }
}
server.close();
