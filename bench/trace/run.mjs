// What it costs to trace state changes, and what tracing costs the traffic: `node bench/trace/run.mjs [--quick]`, as root.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { aligned, median, shown } from '../report.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const program = fileURLToPath(new URL('../../packages/lastack/bin/lastack.cjs', import.meta.url));
const churn = fileURLToPath(new URL('../build/churn', import.meta.url));
const CHANGES = 10;
const isQuick = process.argv.includes('--quick');
const CONNECTIONS = isQuick ? 20_000 : 50_000;
const WARM_UP = 60_000;
const ROUNDS = isQuick ? 3 : 7;
const INSIDE = '--inside';
const TRACEFS = 'mount -t tracefs tracefs /sys/kernel/tracing';

/** The same as a line of `lastack trace`, as far as the tracepoint knows it. */
const BPFTRACE = `tracepoint:sock:inet_sock_set_state /args->protocol == 6/ {
  printf("%lld %d -> %d %s:%d %s:%d %s %d\\n", nsecs, args->oldstate, args->newstate,
    ntop(args->saddr), args->sport, ntop(args->daddr), args->dport, comm, pid);
}`;

const netns = statSync('/proc/self/ns/net').ino;
const bpf = ['trace', `netns = ${netns}`];
const tracefs = ['trace', '--with', 'tracefs', 'sport <= :9015 or dport <= :9015'];
const CONTENDERS = [
  ['nothing', null],
  ['BPF, --summary', [process.execPath, program, ...bpf, '--summary', '--json']],
  ['BPF, lines', [process.execPath, program, ...bpf]],
  ['BPF, --json', [process.execPath, program, ...bpf, '--json']],
  ['tracefs, --summary', [process.execPath, program, ...tracefs, '--summary', '--json']],
  ['bpftrace, printf', ['bpftrace', '-B', 'full', '-e', BPFTRACE]],
];

if (process.argv.includes(INSIDE)) await compare();
else enter();

/** Begins again in namespaces of its own: nobody else's connections, and tracefs mounted where only we see it. */
function enter() {
  mkdirSync(`${here}../build`, { recursive: true });
  const source = `${here}../native/churn.c`;
  const built = spawnSync('gcc', ['-O2', '-Wall', '-Wextra', '-o', churn, source], {
    stdio: 'inherit',
  });
  if (built.status !== 0) throw new Error('gcc failed');
  const script = `ip link set lo up && ${TRACEFS} && exec "$@"`;
  const again = [process.execPath, ...process.argv.slice(1), INSIDE];
  const line = ['--net', '--mount', 'sh', '-c', script, 'sh', ...again];
  process.exitCode = spawnSync('unshare', line, { stdio: 'inherit' }).status ?? 1;
}

async function compare() {
  const load = start([churn]);
  const results = new Map(CONTENDERS.map(([name]) => [name, { cpu: [], rate: [], lost: 0 }]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, command] of CONTENDERS) {
      const result = results.get(name);
      if (result !== undefined && !(await measure(load, command, result))) results.delete(name);
    }
  }
  load.child.stdin.end();
  await load.closed;
  print(results);
}

/** @returns false when the contender cannot be had here */
async function measure(load, command, result) {
  const tracer = command === null ? null : start(command);
  if (tracer !== null && !(await tracer.ready)) {
    console.log(`${command[0]} does not trace here: ${tracer.complaint().split('\n')[0]}`);
    return false;
  }
  // V8 compiles what runs often: the goals are about a trace that has run for seconds.
  await load.ask(WARM_UP);
  const before = tracer === null ? 0 : processorMs(tracer.child.pid);
  const seconds = await load.ask(CONNECTIONS);
  await delay(300);
  result.rate.push(CONNECTIONS / seconds);
  if (tracer === null) return true;
  result.cpu.push((1e3 * (processorMs(tracer.child.pid) - before)) / (CHANGES * CONNECTIONS));
  tracer.child.kill('SIGINT');
  await tracer.closed;
  const lost = /"lost":(\d+)|(\d+) transitions were lost|Lost (\d+) events/.exec(
    tracer.complaint() + tracer.last(),
  );
  result.lost += lost === null ? 0 : Number(lost[1] ?? lost[2] ?? lost[3]);
  return true;
}

function start([command, ...args]) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  let last = '';
  const closed = once(child, 'close').catch(() => {});
  const failed = once(child, 'error').then(([{ message }]) => {
    complaint = message;
    return false;
  });
  const isTracing = new Promise((resolve) => {
    const look = (bytes) => {
      complaint += bytes;
      if (/Ctrl-C ends it|Attaching/.test(complaint)) resolve(true);
    };
    child.stderr.on('data', look);
    if (command === 'bpftrace') child.stdout.once('data', look);
    child.once('close', () => resolve(false));
  });
  const waiting = [];
  // The end of the output is looked at; splitting all of it into lines would cost more than the trace.
  if (command === churn) {
    createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(Number(line)));
  } else child.stdout.on('data', (bytes) => (last = bytes.subarray(-4096).toString()));
  return {
    child,
    closed,
    ready: Promise.race([isTracing, failed]).then(async (is) => {
      await delay(500);
      return is;
    }),
    complaint: () => complaint,
    last: () => last,
    ask(count) {
      child.stdin.write(`${count}\n`);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

/** Processor time of all threads so far. */
function processorMs(pid) {
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return ns / 1e6;
}

function print(results) {
  const alone = median(results.get('nothing').rate);
  const rows = [['', 'n', 'µs a change', 'min–max', 'changes/s', 'of untraced', 'lost']];
  for (const [name, { cpu, rate, lost }] of results) {
    rows.push([
      name,
      String(rate.length),
      cpu.length === 0 ? '' : shown(median(cpu)),
      cpu.length === 0 ? '' : `${shown(Math.min(...cpu))}–${shown(Math.max(...cpu))}`,
      String(Math.round(CHANGES * median(rate))),
      shown(median(rate) / alone),
      cpu.length === 0 ? '' : String(lost),
    ]);
  }
  console.log(aligned(rows).join('\n'));
}
