// Requests dropped when a server stops: gracefulServer() beside its peers, over Node versions.
//   node bench/net/shutdown.mjs [--node PATH]… [--runs N] [--contender NAME]… [--load NAME]…
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loseEarlyResponses, SERVERS } from './early-response.mjs';
import { http2Client, keepAliveClient, pipeliningClient, Tally } from './shutdown-clients.mjs';

const CONTENDERS = [
  'server.close()',
  'http-terminator',
  'stoppable',
  '@godaddy/terminus',
  'http-graceful-shutdown',
  'fastify',
  'gracefulServer',
];

/** `idleGrace` is more than the longest time that a client leaves between two requests. */
const LOADS = {
  '64 hot': { client: keepAliveClient, clients: 64, serviceMs: 5, thinkMs: 3, idleGrace: 1000 },
  '400 idle': {
    client: keepAliveClient,
    clients: 400,
    serviceMs: 5,
    thinkMs: 2000,
    idleGrace: 3000,
  },
  pipelined: { client: (port, _load, tally) => pipeliningClient(port, tally), clients: 64 },
  h2: {
    client: http2Client,
    clients: 32,
    protocol: 'h2',
    serviceMs: 5,
    thinkMs: 3,
    inFlight: 4,
    idleGrace: 1000,
  },
};
const WARM_UP_MS = 250;
const PATIENCE_MS = 5000;

const { values } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    runs: { type: 'string', default: '5' },
    contender: { type: 'string', multiple: true, default: CONTENDERS },
    load: { type: 'string', multiple: true, default: [...Object.keys(LOADS), 'early 413'] },
  },
});

for (const execPath of values.node) {
  const version = await versionOf(execPath);
  const loads = values.load.filter((name) => name in LOADS);
  console.log(`\nNode ${version}: requests dropped a run, of ${values.runs} runs\n`);
  console.log(`| | ${loads.join(' | ')} |\n|---|${'---|'.repeat(loads.length)}`);
  for (const contender of values.contender) {
    const cells = [];
    for (const name of loads) cells.push(await cellOf(execPath, contender, LOADS[name]));
    console.log(`| ${contender} | ${cells.join(' | ')} |`);
  }
  if (!values.load.includes('early 413')) continue;
  for (const server of SERVERS) {
    const { lost, of } = await loseEarlyResponses(execPath, server);
    console.log(`\nearly 413, ${server}: ${lost} of ${of} responses lost`);
  }
}

async function cellOf(execPath, contender, load) {
  const runs = [];
  for (let run = 0; run < Number(values.runs); run++) {
    runs.push(await runOnce(execPath, contender, load));
  }
  const mean = (pick) => runs.reduce((sum, run) => sum + pick(run), 0) / runs.length;
  const round = (value) => String(Math.round(value * 10) / 10);
  const refused = mean(({ tally }) => tally.refused);
  const hung = runs.filter(({ ended }) => !ended).length;
  const dishonest = runs.filter(
    ({ report, tally }) => (report?.droppedRequests ?? 0) > tally.dropped,
  );
  return [
    round(mean(({ tally }) => tally.dropped)),
    refused > 0 ? `${round(refused)} refused` : '',
    hung > 0 ? `${hung} did not end` : '',
    dishonest.length > 0 ? `${dishonest.length} reported more` : '',
  ]
    .filter(Boolean)
    .join(', ');
}

/** One server, its clients, and the order to stop in the midst of it. */
async function runOnce(execPath, contender, load) {
  const { client, clients, protocol, idleGrace } = load;
  const program = fileURLToPath(new URL('shutdown-server.mjs', import.meta.url));
  const server = fork(program, [contender, JSON.stringify({ protocol, idleGrace })], {
    execPath,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exit = once(server, 'exit').then(() => true);
  const [{ port }] = await once(server, 'message');
  let report;
  server.on('message', (message) => {
    ({ report } = message);
  });
  const tally = new Tally();
  let isOver = false;
  const all = Promise.all(
    Array.from({ length: clients }, () => client(port, load, tally, () => isOver)),
  );
  await pause(WARM_UP_MS);
  server.send('stop');
  const ended = await Promise.race([exit, pause(PATIENCE_MS, false)]);
  isOver = true;
  // The clients of a server that does not end finish what they have begun; then it is killed.
  if (!ended) await Promise.race([all, pause(1000)]);
  server.kill('SIGKILL');
  await Promise.all([all, exit]);
  return { tally, ended, report };
}

async function versionOf(execPath) {
  const { execFileSync } = await import('node:child_process');
  return execFileSync(execPath, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
}
