// How late a limit ends an exchange, and how soon the kernel has no socket of it: each client in each situation.
//   unshare -rn sh -c 'ip link set lo up && node bench/net/http-stalls.mjs --runs 5 --budget 1000'
// In a network namespace of its own, since the kernel's table is read again and again, with all its TIME-WAITs.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from 'rolldown';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    budget: { type: 'string', default: '1000' },
  },
});
const runs = Number(values.runs);
const budgetMs = Number(values.budget);

// The situations are those of the tests, in TypeScript, which Node 20 does not read.
const kit = await bundled();
const { CLIENTS } = await import(kit('clients'));
const { exchange, SITUATIONS } = await import(kit('situations'));

console.log(
  `Node ${process.version}, limit ${budgetMs} ms, ${runs} runs: latest end in ms after the limit / latest close in the kernel in ms after the end\n`,
);
console.log(
  `| | ${Object.keys(CLIENTS).join(' | ')} |\n|---|${'---|'.repeat(Object.keys(CLIENTS).length)}`,
);
let worst = 0;
for (const [name, situation] of Object.entries(SITUATIONS)) {
  const cells = [];
  for (const client of Object.values(CLIENTS)) {
    const outcomes = [];
    for (let run = 0; run < runs; run++) outcomes.push(await exchange(client, situation, budgetMs));
    cells.push(cellOf(situation, outcomes));
  }
  console.log(`| ${name} (${situation.phase}) | ${cells.join(' | ')} |`);
}
console.log(
  `\nlatest of all: ${worst.toFixed(0)} ms after its limit; goal 60: ${worst <= 60 ? 'reached' : 'MISSED'}`,
);

function cellOf({ phase }, outcomes) {
  const wrong = outcomes.find(({ error }) => error.phase !== phase);
  if (wrong) return `WRONG ${wrong.error.code ?? wrong.error.message}`;
  // An upload goes on for a while before it stalls: there the error says for how long no byte was taken.
  const waits = outcomes.map(({ error, elapsedMs }) =>
    phase === 'write' ? error.elapsedMs : elapsedMs,
  );
  const late = Math.max(...waits) - budgetMs;
  const early = Math.min(...waits) < budgetMs;
  const closed = Math.max(...outcomes.map(({ closedAfterMs }) => closedAfterMs));
  worst = Math.max(worst, late);
  return `${early ? 'EARLY ' : ''}+${late.toFixed(0)} / ${closed.toFixed(0)}`;
}

async function bundled() {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const dir = `${root}node_modules/.cache/bench-net`;
  await build({
    cwd: root,
    platform: 'node',
    external: ['undici', 'axios', 'got', 'ky'],
    transform: { target: 'es2022' },
    input: {
      clients: 'packages/net/test/http/clients.ts',
      situations: 'packages/net/test/http/situations.ts',
    },
    output: { dir, format: 'es', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
    logLevel: 'warn',
  });
  return (name) => `${dir}/${name}.mjs`;
}
