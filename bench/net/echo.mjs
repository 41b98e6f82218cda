// Echo over node:net and over @lastack/net, side by side: round trips a second, their p99, and memory of an open connection.
// node bench/net/echo.mjs [--rounds N] [--seconds S] [--memory]; needs packages/net/dist (node scripts/build-net.mjs).
import { fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect, listen } from '../../packages/net/dist/index.mjs';

const LIBRARIES = ['node:net', '@lastack/net'];
/** Messages in bytes, on so many connections: one in flight on each. */
const LOADS = [
  { name: '64 connections, 1 KiB', connections: 64, bytes: 1_024 },
  { name: '8 connections, 64 KiB', connections: 8, bytes: 65_536 },
];
const IDLE_CONNECTIONS = 8_000;
/** glibc's trimming of the heap costs chunks of 64 KiB a tenth of their time in one process and nothing in the next. */
const MALLOC = { MALLOC_TRIM_THRESHOLD_: String(2 ** 30), MALLOC_TOP_PAD_: String(2 ** 26) };

const SERVERS = {
  'node:net': async () => {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => socket.write(chunk));
      socket.on('end', () => socket.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  },
  '@lastack/net': async () => {
    const listener = await listen({ host: '127.0.0.1' }, async (socket) => {
      for (;;) {
        const chunk = await socket.read();
        if (chunk === null) return;
        await socket.write(chunk);
      }
    });
    return listener.port;
  },
};

/** One connection that sends a message, waits for all of it, and again; calls `done` with the microseconds of each. */
const CLIENTS = {
  'node:net': async (port, message, done) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    let missing = message.length;
    let sentAt = performance.now();
    socket.on('data', (chunk) => {
      missing -= chunk.length;
      if (missing > 0) return;
      const now = performance.now();
      done(now - sentAt);
      missing = message.length;
      sentAt = now;
      socket.write(message);
    });
    socket.write(message);
  },
  '@lastack/net': async (port, message, done) => {
    const socket = await connect({ port, host: '127.0.0.1' });
    void (async () => {
      for (;;) {
        const sentAt = performance.now();
        await socket.write(message);
        for (let missing = message.length; missing > 0;) {
          missing -= (await socket.read()).length;
        }
        done(performance.now() - sentAt);
      }
    })();
  },
};

async function serveForever(library) {
  process.on('message', () => {
    globalThis.gc();
    const { rss, heapUsed, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    process.send({ rss, heap: heapUsed + external, cpu: (user + system) / 1e6 });
  });
  process.send({ port: await SERVERS[library]() });
}

async function load(library, port, { connections, bytes }, seconds) {
  const message = Buffer.alloc(bytes, 'm');
  const times = [];
  let isCounting = false;
  let total = 0;
  const done = (ms) => {
    total++;
    if (isCounting) times.push(ms);
  };
  const cpuBefore = process.cpuUsage();
  for (let i = 0; i < connections; i++) await CLIENTS[library](Number(port), message, done);
  await new Promise((resolve) => setTimeout(resolve, 500));
  isCounting = true;
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const elapsed = (performance.now() - startedAt) / 1_000;
  times.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send({
    perSecond: times.length / elapsed,
    p99: times[Math.floor(times.length * 0.99)],
    total,
    cpu: (user + system) / 1e6,
  });
}

async function start(malloc, ...args) {
  const child = fork(fileURLToPath(import.meta.url), args.map(String), {
    // A half-space of fixed size: how far it has grown is luck, and would count as memory of the connections.
    execArgv: ['--expose-gc', '--max-semi-space-size=1'],
    env: { ...process.env, ...malloc },
  });
  const exit = once(child, 'exit');
  const [first] = await once(child, 'message');
  const end = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  return { child, first, end };
}

async function askForUsage({ child }) {
  child.send('usage');
  const [usage] = await once(child, 'message');
  return usage;
}

async function measureEcho(library, plan, seconds) {
  const server = await start(MALLOC, '--serve', library);
  const before = await askForUsage(server);
  const args = [library, server.first.port, JSON.stringify(plan), seconds];
  const client = await start(MALLOC, '--load', ...args);
  const after = await askForUsage(server);
  await Promise.all([client.end(), server.end()]);
  const { perSecond, p99, total, cpu } = client.first;
  // Beside other load on the machine this is the figure that holds.
  return { perSecond, p99, perCpuSecond: total / (cpu + after.cpu - before.cpu) };
}

async function measureMemory(library) {
  const server = await start({}, '--serve', library);
  const sockets = [];
  const open = async (count) => {
    while (sockets.length < count) {
      const socket = net.connect(server.first.port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
      // Each has been used once, as a connection in a pool has.
      socket.write('x');
      await once(socket, 'data');
    }
  };
  await open(500);
  const before = await askForUsage(server);
  await open(500 + IDLE_CONNECTIONS);
  const after = await askForUsage(server);
  for (const socket of sockets) socket.resetAndDestroy();
  await server.end();
  const perConnection = (name) => (after[name] - before[name]) / IDLE_CONNECTIONS;
  return { heap: perConnection('heap'), rss: perConnection('rss') };
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Rounds in turns, so that what disturbs the machine disturbs both; medians, and the ratio of each pair. */
async function compare(rounds, measure, names) {
  const samples = Object.fromEntries(LIBRARIES.map((library) => [library, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? LIBRARIES : LIBRARIES.toReversed();
    for (const library of order) samples[library].push(await measure(library));
  }
  const [theirs, ours] = LIBRARIES.map((library) => samples[library]);
  for (const name of names) {
    const of = (list) => median(list.map((sample) => sample[name]));
    const ratios = ours.map((sample, i) => sample[name] / theirs[i][name]);
    const ratio = `${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)}–${Math.max(...ratios).toFixed(3)})`;
    console.log(
      `  ${name.padEnd(12)} ${of(theirs).toFixed(3).padStart(12)} ${of(ours).toFixed(3).padStart(12)}   ${ratio}`,
    );
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '4' },
      memory: { type: 'boolean', default: false },
    },
  });
  console.log(`Node ${process.versions.node}, ${values.rounds} rounds of ${values.seconds} s`);
  console.log(
    `  ${''.padEnd(12)} ${LIBRARIES.map((name) => name.padStart(12)).join(' ')}   ratio: median (min–max) of pairs`,
  );
  for (const plan of values.memory ? [] : LOADS) {
    console.log(plan.name);
    const measure = (library) => measureEcho(library, plan, Number(values.seconds));
    await compare(Number(values.rounds), measure, ['perSecond', 'perCpuSecond', 'p99']);
  }
  console.log(`${IDLE_CONNECTIONS} idle connections, bytes each in the server`);
  await compare(3, measureMemory, ['heap', 'rss']);
}

const [role, library, ...rest] = process.argv.slice(2);
if (role === '--serve') await serveForever(library);
else if (role === '--load') await load(library, rest[0], JSON.parse(rest[1]), Number(rest[2]));
else await main();
