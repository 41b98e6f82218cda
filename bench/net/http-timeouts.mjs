// What limits on every phase cost: requests per second over kept-alive connections, with and without them.
//   node bench/net/http-timeouts.mjs [--rounds 15] [--requests 4000] [--concurrency 64]
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
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '4000' },
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
  ['request()', 'node:http', undefined],
  ['request()', 'got', 1],
  ['request()', 'axios', 1],
];

const samples = new Map(Object.keys(CONTENDERS).map((name) => [name, []]));
for (let round = 0; round <= rounds; round++) {
  // In turns, and every other round backwards: what disturbs the machine disturbs all. The first round warms up.
  const turns = Object.entries(CONTENDERS);
  if (round % 2 === 1) turns.reverse();
  for (const [name, once] of turns) {
    const perSecond = await measure(once);
    if (round > 0) samples.get(name).push(perSecond);
  }
}
report();
await Promise.all([bareDispatcher.destroy(), dispatcher.destroy()]);
bareAgent.destroy();
agent.destroy();
server.disconnect();

async function measure(once) {
  let left = requests;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) await once();
    }),
  );
  return (requests / (performance.now() - startedAt)) * 1000;
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
    `Node ${process.version}, undici ${undici.version ?? '7'}: ${concurrency} concurrent, ${requests} requests a round, ${rounds} rounds\n`,
  );
  for (const [name, list] of samples) {
    const range = `${Math.min(...list).toFixed(0)}–${Math.max(...list).toFixed(0)}`;
    console.log(`${name.padEnd(38)} ${median(list).toFixed(0).padStart(7)} /s   ${range}`);
  }
  console.log();
  for (const [subject, to, goal] of PAIRS) {
    const ratio = median(samples.get(subject)) / median(samples.get(to));
    const paired = median(samples.get(subject).map((each, i) => each / samples.get(to)[i]));
    const verdict =
      goal === undefined
        ? ''
        : ratio >= goal
          ? `  goal ${goal}: reached`
          : `  goal ${goal}: MISSED`;
    console.log(
      `${subject} / ${to}: ${ratio.toFixed(3)} (median of the rounds' ratios ${paired.toFixed(3)}, n=${rounds})${verdict}`,
    );
  }
}

function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
