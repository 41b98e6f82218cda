// npm run bench -- [--quick] [--sockets N] [--rounds N] [--loads empty,established,…]: lastack beside ss, netstat, lsof and a C
// program, on sockets that it makes in namespaces of its own. See README.md.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAll } from './build.mjs';
import { killAll } from './children.mjs';
import { LOADS } from './contenders.mjs';
import { record, report } from './report.mjs';
import { runLoad } from './rounds.mjs';

const DEFAULT_LOADS = 'empty,established,mixed,large';
const NEEDED = { gcc: 'gcc', ss: 'iproute2', netstat: 'net-tools', lsof: 'lsof' };

class Misuse extends Error {}

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      sockets: { type: 'string', default: '190000' },
      rounds: { type: 'string' },
      loads: { type: 'string', default: DEFAULT_LOADS },
    },
  });
  const { quick } = values;
  const loads = values.loads.split(',');
  const unknown = loads.find((name) => !(name in LOADS));
  if (unknown !== undefined)
    throw new Misuse(`No load ${unknown}. Use some of ${Object.keys(LOADS).join(',')}.`);
  return {
    quick,
    loads,
    sockets: numberOf('--sockets', values.sockets),
    rounds: numberOf('--rounds', values.rounds ?? (quick ? '3' : '7')),
    slowRounds: quick ? 1 : 3,
  };
}

function numberOf(option, text) {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Misuse(`${option} takes a number, not ${text}.`);
  return Number(text);
}

function requireAll() {
  if (process.getuid() !== 0)
    throw new Misuse('The bench makes network namespaces and reads all processes: run it as root.');
  for (const [program, debianPackage] of Object.entries(NEEDED)) {
    if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined)
      throw new Misuse(`The bench needs ${program}: apt-get install ${debianPackage}.`);
  }
}

function describeMachine() {
  const [{ model }] = cpus();
  return {
    date: new Date().toISOString(),
    cpu: `${model}, ${cpus().length} cores`,
    kernel: release(),
    node: process.version,
  };
}

async function main() {
  const options = readOptions();
  requireAll();
  await buildAll();
  const machine = describeMachine();
  const loads = [];
  for (const name of options.loads) {
    loads.push(await runLoad(name, options, (line) => console.error(line)));
  }
  const results = fileURLToPath(new URL('results/', import.meta.url));
  const file = `${results}${machine.date.replaceAll(/[:.]/g, '-')}`;
  const text = report({ machine, loads });
  mkdirSync(results, { recursive: true });
  writeFileSync(`${file}.txt`, text);
  writeFileSync(`${file}.json`, `${JSON.stringify(record({ machine, loads }))}\n`);
  console.log(`${text}\nAlso in ${file}.txt, and every run in ${file}.json`);
}

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
]) {
  process.once(signal, () => {
    killAll();
    process.exit(128 + number);
  });
}
try {
  await main();
} catch (error) {
  killAll();
  const expected = error instanceof Misuse || error.code?.startsWith('ERR_PARSE_ARGS');
  console.error(expected ? `bench: ${error.message}` : error);
  process.exitCode = 2;
}
