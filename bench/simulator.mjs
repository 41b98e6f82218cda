// How fast the TCP simulator is: node bench/simulator.mjs [--rounds N]
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { median } from './report.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } });
const bench = fileURLToPath(new URL('.', import.meta.url));
const built = `${bench}build/simulator.cjs`;
await build({
  cwd: bench,
  input: '../packages/core/src/index.ts',
  resolve: { conditionNames: ['@lastack/source', 'import', 'default'] },
  transform: { target: 'es2022' },
  output: { file: built, format: 'cjs' },
  logLevel: 'warn',
});
const { simulate, CLEAN_PATH, CLOSES_AFTER_PEER, halfCloses, writesAndCloses } = await import(
  built
);

const until = 1e9;
const LOADS = {
  'one connection, 300 MB': {
    seed: 1,
    until,
    path: { ...CLEAN_PATH, delay: 1 },
    client: halfCloses(3e8),
    server: CLOSES_AFTER_PEER,
  },
  'one connection, 100 MB, 1 % lost, 1 % doubled, reordered': {
    seed: 1,
    until,
    path: { delay: 10, jitter: 5, loss: 0.01, duplicate: 0.01, lateBy: 100 },
    client: halfCloses(1e8),
    server: CLOSES_AFTER_PEER,
  },
  '20,000 connections of 3 kB, one after the other': {
    seed: 1,
    until: Infinity,
    connections: 20_000,
    client: writesAndCloses(3000),
    server: CLOSES_AFTER_PEER,
  },
};

console.log(
  `Node ${process.version}, ${values.rounds} rounds, segments a second (median, minimum to maximum)`,
);
for (const [name, setup] of Object.entries(LOADS)) {
  simulate(setup);
  const rates = Array.from({ length: Number(values.rounds) }, () => {
    const start = process.hrtime.bigint();
    const { segments } = simulate(setup);
    return segments / (Number(process.hrtime.bigint() - start) / 1e9);
  });
  const millions = (rate) => `${(rate / 1e6).toFixed(2)} M`;
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  console.log(
    `${name.padEnd(58)} ${millions(median(rates))}  (${millions(least)} to ${millions(most)})`,
  );
}
