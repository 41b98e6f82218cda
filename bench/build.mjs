import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const bench = fileURLToPath(new URL('.', import.meta.url));
const NATIVE = ['load', 'floor', 'measure'];

/** What the build made: `program` is lastack itself, the others are the bench's own. */
export const BUILT = {
  ...Object.fromEntries(NATIVE.map((name) => [name, `${bench}build/${name}`])),
  dumpLoop: `${bench}build/dump-loop.cjs`,
  program: fileURLToPath(new URL('../packages/lastack/bin/lastack.cjs', import.meta.url)),
};

/** Builds lastack, the C programs, and lastack's reading of sockets as a program that does nothing else. */
export async function buildAll() {
  await mkdir(`${bench}build`, { recursive: true });
  run(process.execPath, [fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))]);
  for (const name of NATIVE) {
    run('gcc', ['-O2', '-Wall', '-Wextra', '-o', BUILT[name], `${bench}native/${name}.c`]);
  }
  await build({
    cwd: bench,
    input: 'dump-loop.mjs',
    platform: 'node',
    external: ['koffi', /^@koromix\//],
    resolve: { conditionNames: ['@lastack/source', 'node', 'import', 'default'] },
    // As the program itself is built, see scripts/build.mjs.
    transform: { target: 'es2022' },
    output: { file: BUILT.dumpLoop, format: 'cjs', codeSplitting: false },
    logLevel: 'warn',
  });
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${args[0]} failed: ${error?.message ?? `status ${status}`}`);
}
