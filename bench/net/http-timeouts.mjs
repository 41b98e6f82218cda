// What limits on every phase cost: requests per second over kept-alive connections, with and without them.
//   node bench/net/http-timeouts.mjs [--rounds 31] [--requests 2000] [--concurrency 64]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import axios from 'axios';
import { got } from 'got';
import * as undici from 'undici';

import { HttpTimeoutAgent, request } from '../../packages/net/dist/index.mjs';
import { timeoutDispatcher } from '../../packages/net/dist/undici.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '31' },
    requests: { type: 'string', default: '2000' },
    concurrency: { type: 'string', default: '64' },
  },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const concurrency = Number(values.concurrency);

const ALL_NINE = {
  lookup: 5000,
  connect: 5000,
  tls: 5000,
  write: 5000,
  headers: 5000,
  read: 5000,
  idle: 10_000,
  pool: 5000,
  total: 30_000,
};

const server = fork(fileURLToPath(new URL('http-server.mjs', import.meta.url)));
const [port] = await once(server, 'message');
const url = `http://127.0.0.1:${port}/`;

const bareDispatcher = new undici.Agent({ connections: concurrency });
const dispatcher = timeoutDispatcher({ connections: concurrency }, ALL_NINE);
const bareAgent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
const agent = new HttpTimeoutAgent({ timeouts: ALL_NINE, maxSockets: concurrency });
const client = axios.create({ httpAgent: bareAgent, proxy: false });

const CONTENDERS = {
  'undici.request': () => viaUndici(bareDispatcher),
  'undici.request + timeoutDispatcher': () => viaUndici(dispatcher),
  'undici.fetch': () => viaFetch(bareDispatcher),
  'undici.fetch + timeoutDispatcher': () => viaFetch(dispatcher),
  'node:http': () => viaHttp(bareAgent),
  'node:http + HttpTimeoutAgent': () => viaHttp(agent),
  'request()': async () => (await request(url, { agent, timeouts: ALL_NINE })).bytes(),
  got: () => got(url, { agent: { http: bareAgent } }).buffer(),
  axios: () => client.get(url, { responseType: 'arraybuffer' }),
};

/** [with limits, without, goal] */
const PAIRS = [
  ['undici.request + timeoutDispatcher', 'undici.request', 0.95],
  ['undici.fetch + timeoutDispatcher', 'undici.fetch', 0.95],
  ['node:http + HttpTimeoutAgent', 'node:http', 0.95],
  ['request()', 'got', 1],
  ['request()', 'axios', 1],
];

/** What is compared runs by itself: the caches of the processor are as warm as in a program that does the one thing. */
const GROUPS = [['undici.request'], ['undici.fetch'], ['node:http'], ['request()', 'got', 'axios']];

const samples = new Map(Object.keys(CONTENDERS).map((name) => [name, []]));
for (const group of GROUPS) {
  const turns = Object.entries(CONTENDERS).filter(([name]) =>
    group.some((start) => name.startsWith(start)),
  );
  for (let round = 0; round <= rounds; round++) {
    // In turns, and every other round backwards: what disturbs the machine disturbs all. The first round warms up.
    for (const [name, once] of round % 2 === 1 ? turns.toReversed() : turns) {
      const sample = await measure(once);
      if (round > 0) samples.get(name).push(sample);
    }
  }
}
report();
await Promise.all([bareDispatcher.destroy(), dispatcher.destroy()]);
bareAgent.destroy();
agent.destroy();
server.disconnect();

async function measure(once) {
  let left = requests;
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await once();
    }),
  );
  const perSecond = (requests / (performance.now() - startedAt)) * 1000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond, cpuMicros: (user + system) / requests };
}

async function viaUndici(dispatcher) {
  const { body } = await undici.request(url, { dispatcher });
  await body.arrayBuffer();
}

async function viaFetch(dispatcher) {
  await (await undici.fetch(url, { dispatcher })).arrayBuffer();
}

function viaHttp(agent) {
  return new Promise((resolve, reject) => {
    const outgoing = http.get(url, { agent }, (response) => {
      response.on('error', reject);
      response.on('end', resolve);
      response.resume();
    });
    outgoing.on('error', reject);
  });
}

function report() {
  console.log(
    `Node ${process.version}, ${concurrency} concurrent, ${requests} requests a round, ${rounds} rounds\n`,
  );
  for (const [name, list] of samples) {
    const perSecond = list.map((sample) => sample.perSecond);
    const range = `${Math.min(...perSecond).toFixed(0)}–${Math.max(...perSecond).toFixed(0)}`;
    const cpu = median(list.map((sample) => sample.cpuMicros)).toFixed(1);
    console.log(
      `${name.padEnd(38)} ${median(perSecond).toFixed(0).padStart(7)} /s ${range.padStart(13)} ${cpu.padStart(7)} µs CPU each`,
    );
  }
  console.log();
  for (const [subject, to, goal] of PAIRS) {
    const ratio = ratioOf(subject, to, ({ perSecond }) => perSecond);
    const cpu = ratioOf(to, subject, ({ cpuMicros }) => cpuMicros);
    const reached = ratio >= goal ? 'reached' : 'MISSED';
    console.log(
      `${subject} / ${to}: ${ratio.toFixed(3)} by requests a second, ${cpu.toFixed(3)} by CPU (n=${rounds}); goal ${goal}: ${reached}`,
    );
  }
}

/** The ratio of the medians. */
function ratioOf(subject, to, figure) {
  return median(samples.get(subject).map(figure)) / median(samples.get(to).map(figure));
}

function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
