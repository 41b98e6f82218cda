// Opens and closes COUNT connections under random faults, and prints what is left behind: nothing may be.
// Arguments: LIBRARY COUNT [SEED]
import { getEventListeners, setMaxListeners } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { readdirSync, readFileSync } from 'node:fs';

const [library, count, seed = '1'] = process.argv.slice(2);
const { closeGracefully, connect, listen } = await import(library);
const keys = JSON.parse(readFileSync(0, 'utf8'));
const AT_ONCE = 60;
const CLOSE = { deadline: 60, idle: 30 };
const chunk = Buffer.alloc(2_000, 'c');
const much = Buffer.alloc(4_000_000, 'm');

/** mulberry32: the same faults for the same seed. */
let state = Number(seed);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const pick = (list) => list[Math.floor(random() * list.length)];

const tally = { opened: 0, failed: 0, reports: 0, unhandled: 0 };
const outcomes = {};
const forever = new AbortController();
setMaxListeners(0, forever.signal);
process.on('unhandledRejection', (reason) => {
  tally.unhandled++;
  console.error(reason);
});

/** One end of a connection: each does something, and some do it wrong. */
const BEHAVIOURS = {
  echo: async (socket) => {
    for await (const bytes of socket) await socket.write(bytes);
  },
  say: (socket) => socket.write(chunk),
  sayMuch: (socket) => socket.write(much),
  readOne: (socket) => socket.read(),
  halfClose: async (socket) => {
    await socket.write(chunk);
    await socket.endWrite();
    await socket.read();
  },
  abort: (socket) => socket.abort(),
  abortWhileClosing: (socket) => {
    void socket.close();
    socket.abort();
  },
  destroyBelow: (socket) => socket.raw.destroy(),
  failBelow: (socket) => socket.raw.destroy(new Error('from below')),
  foreignClose: (socket) => closeGracefully(socket.raw, CLOSE),
  ignore: () => pause(1),
  twoReads: (socket) => Promise.allSettled([socket.read(), socket.read(), socket.write(chunk)]),
};
const names = Object.keys(BEHAVIOURS);
const onReport = ({ outcome }) => {
  tally.reports++;
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
};
const close = { ...CLOSE, onReport };

async function behave(socket) {
  await BEHAVIOURS[pick(names)](socket);
}

const serverOptions = {
  host: '127.0.0.1',
  close,
  onError: () => {},
  timeouts: { read: 40, tls: 200 },
};
const plain = await listen(serverOptions, behave);
const secure = await listen({ ...serverOptions, tls: keys }, behave);
const rude = net.createServer((raw) => {
  raw.on('error', () => {});
  if (random() < 0.5) raw.resetAndDestroy();
  else raw.destroy();
});
await new Promise((resolve) => rude.listen(0, '127.0.0.1', resolve));
const nobody = net.createServer().listen(0, '127.0.0.1');
await new Promise((resolve) => nobody.once('listening', resolve));
const nobodysPort = nobody.address().port;
await new Promise((resolve) => nobody.close(resolve));

function optionsOf() {
  const timeouts = { read: 40, write: 60, idle: 100, total: 400, connect: 300, tls: 300 };
  const options = { host: '127.0.0.1', close, timeouts };
  const dice = random();
  if (dice < 0.04) return { ...options, port: secure.port, tls: { rejectUnauthorized: false } };
  if (dice < 0.05) return { ...options, port: plain.port, tls: { rejectUnauthorized: false } };
  if (dice < 0.06) return { ...options, port: secure.port };
  if (dice < 0.1) return { ...options, port: rude.address().port };
  if (dice < 0.12) return { ...options, port: nobodysPort };
  if (dice < 0.15) return { ...options, port: plain.port, signal: AbortSignal.timeout(1) };
  return { ...options, port: plain.port, signal: forever.signal };
}

async function one() {
  let socket;
  try {
    socket = await connect(optionsOf());
    tally.opened++;
    await behave(socket);
  } catch {
    tally.failed++;
  }
  await socket?.close();
}

const descriptors = () => readdirSync('/proc/self/fd').length;
const resources = () =>
  process.getActiveResourcesInfo().filter((name) => !/^(TTYWrap|PipeWrap|CloseReq)$/.test(name));

// What is loaded once (certificates, the FFI) is no leak.
for (let i = 0; i < 200; i++) await one();
while (plain.connections + secure.connections > 0) await pause(5);
const before = { descriptors: descriptors(), resources: resources().length };

const startedAt = performance.now();
let left = Number(count);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await one();
  }),
);
const seconds = (performance.now() - startedAt) / 1_000;

/** What is on its way out is gone some turns of the event loop later. */
async function settle(isClean) {
  const patience = performance.now() + 10_000;
  while (!isClean() && performance.now() < patience) await pause(20);
}

const leftOver = () => resources().filter((name) => name !== 'Immediate');
await settle(() => descriptors() <= before.descriptors && resources().length <= before.resources);
const after = { descriptors: descriptors(), resources: resources().length };
const [first, second] = await Promise.all([plain.close(), secure.close()]);
await new Promise((resolve) => rude.close(resolve));
await settle(() => leftOver().every((name) => name === 'Timeout'));
console.log(
  JSON.stringify({
    count: Number(count),
    seconds: Math.round(seconds * 10) / 10,
    ...tally,
    outcomes,
    before,
    after,
    signalListeners: getEventListeners(forever.signal, 'abort').length,
    runningHandlers: first.runningHandlers + second.runningHandlers,
    leftAtTheEnd: leftOver(),
  }),
);
