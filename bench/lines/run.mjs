// node bench/lines/run.mjs [--quick]: what it costs a program to be looked at for lines of code: `lastack run`, Python's stacks and
// `--attach`. See README.md.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { aligned, median, shown } from '../report.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const program = fileURLToPath(new URL('../../packages/lastack/bin/lastack.cjs', import.meta.url));
const locateLoop = fileURLToPath(new URL('../build/locate-loop.cjs', import.meta.url));
const python = process.env.BENCH_PYTHON ?? 'python3';

/** Kind of traffic, and how often at a time; goal: at most so much more processor time. */
const TRAFFIC = [
  ['traffic.mjs', 'http connection', 2000, 1.2],
  ['traffic.mjs', 'keep-alive request', 5000, 1.08],
  ['traffic.mjs', 'bare TCP pair', 2000, 1.2],
  ['traffic.py', 'http connection', 500, 1.2],
  ['traffic.py', 'bare TCP pair', 1000, 1.2],
];

const running = new Set();

/** A program that answers each line with two numbers. */
async function start(command, isReady = true) {
  const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hear = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command.join(' ')} ended early`);
    return value;
  };
  return {
    pid: child.pid,
    ready: isReady ? await hear() : '',
    async ask(line) {
      child.stdin.write(`${line}\n`);
      return (await hear()).split(' ').map(Number);
    },
    async end() {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

const interpreterOf = (name) => (name.endsWith('.py') ? python : process.execPath);
const startProgram = (name, ...args) =>
  start([interpreterOf(name), `${here}programs/${name}`, ...args]);
const startLocator = () => start([process.execPath, locateLoop], false);

/** µs of processor time for an operation, without and under `lastack run`, in turns; new processes for each round. */
async function compareTraffic([name, kind, count, atMost], { processes, rounds }) {
  const samples = [[], []];
  for (let each = 0; each < processes; each++) {
    const command = [interpreterOf(name), `${here}programs/${name}`, kind];
    const sides = await Promise.all([
      start(command),
      start([process.execPath, program, 'run', '--', ...command]),
    ]);
    for (let round = -1; round < rounds; round++) {
      for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const [ms] = await sides[side].ask(count);
        if (round >= 0) samples[side].push((ms * 1e3) / count);
      }
    }
    await Promise.all(sides.map((side) => side.end()));
  }
  const [plain, recorded] = samples.map(median);
  const ratio = recorded / plain;
  const runtime = name.endsWith('.py') ? 'Python' : 'Node';
  const goal = `${ratio <= atMost ? 'reached' : 'not reached'} (≤ ${shown(atMost)}×)`;
  return [
    `${runtime}, ${kind}`,
    shown(plain),
    shown(recorded),
    `${shown(ratio)}×`,
    String(samples[0].length),
    goal,
  ];
}

/** ms to read the stacks of 20 threads, for the first time and again; and how much less the program counts meanwhile. */
async function readStacks({ processes, rounds }) {
  const target = await startProgram('threads.py');
  const [cold, warm, quiet, read] = [[], [], [], []];
  for (let each = 0; each < processes; each++) {
    const locator = await startLocator();
    cold.push((await locator.ask(`python ${target.pid}`))[0]);
    for (let round = 0; round < rounds * 3; round++) {
      warm.push((await locator.ask(`python ${target.pid}`))[0]);
      quiet.push((await target.ask(300))[0]);
      const counted = target.ask(300);
      await delay(100);
      await locator.ask(`python ${target.pid}`);
      read.push((await counted)[0]);
    }
    await locator.end();
  }
  await target.end();
  return [
    [
      'Python stacks of 20 threads, first in a process',
      `${shown(median(cold))} ms`,
      String(cold.length),
      '≤ 10 ms',
    ],
    ['the same again', `${shown(median(warm))} ms`, String(warm.length), '≤ 10 ms'],
    [
      'program slowed by one look in 300 ms',
      `${shown((1 - median(read) / median(quiet)) * 100)} %`,
      String(read.length),
      '< 1 %',
    ],
  ];
}

/** A server before, during and after its inspector is used. */
async function attach({ processes }) {
  const [before, pause, usual, took, after] = [[], [], [], [], []];
  for (let each = 0; each < processes; each++) {
    const target = await startProgram('server.mjs');
    const locator = await startLocator();
    await delay(2000);
    await target.ask('warm');
    await delay(2000);
    const [rate, gap] = await target.ask('before');
    before.push(rate);
    usual.push(gap);
    took.push((await locator.ask(`node ${target.pid} ${target.ready.split(' ')[1]}`))[0]);
    pause.push((await target.ask('during'))[1]);
    await delay(2000);
    after.push((await target.ask('after'))[0] / rate);
    await Promise.all([target.end(), locator.end()]);
  }
  const count = String(processes);
  return [
    [
      'attach: longest pause of the server',
      `${shown(median(pause))} ms (before ${shown(median(usual))})`,
      count,
      '≤ 50 ms',
    ],
    ['attach: longest of all', `${shown(Math.max(...pause))} ms`, count, '≤ 50 ms'],
    ['attach: in all', `${shown(median(took))} ms`, count, '≤ 2000 ms'],
    ['attach: requests a second after / before', `${shown(median(after))}×`, count, '1×'],
  ];
}

async function main(isQuick) {
  const effort = isQuick ? { processes: 2, rounds: 3 } : { processes: 4, rounds: 6 };
  await build({
    cwd: here,
    input: 'locate-loop.mjs',
    platform: 'node',
    external: ['koffi', /^@koromix\//],
    resolve: { conditionNames: ['@lastack/source', 'node', 'import', 'default'] },
    transform: { target: 'es2022' },
    output: { file: locateLoop, format: 'cjs', codeSplitting: false },
    logLevel: 'warn',
  });
  const costs = [['processor time, µs', 'alone', 'recorded', 'ratio', 'runs', 'goal']];
  for (const each of TRAFFIC) costs.push(await compareTraffic(each, effort));
  const looks = [
    ['', 'median', 'runs', 'goal'],
    ...(await readStacks(effort)),
    ...(await attach(effort)),
  ];
  const text = `${[...aligned(costs), '', ...aligned(looks)].join('\n')}\n`;
  const results = fileURLToPath(new URL('../results/', import.meta.url));
  mkdirSync(results, { recursive: true });
  writeFileSync(`${results}${new Date().toISOString().replaceAll(/[:.]/g, '-')}-lines.txt`, text);
  console.log(text);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of running) child.kill('SIGTERM');
    process.exit(130);
  });
}
await main(process.argv.includes('--quick'));
