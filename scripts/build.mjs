// Bundles the program into CommonJS: one file starts 4–6 ms sooner than ES modules.
import { readFile, readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const program = fileURLToPath(new URL('../packages/lastack/', import.meta.url));
const { version } = JSON.parse(await readFile(`${program}package.json`, 'utf8'));

const { output } = await build({
  cwd: program,
  input: {
    main: 'src/cli/main.ts',
    'fd-links-worker': 'src/kernel/fd-links-worker.ts',
    'lab-stage': 'src/lab/stage.ts',
    'lab-await-using': 'src/lab/programs/await-using.ts',
    'lab-close-when-written': 'src/lab/programs/close-when-written.ts',
    'lab-http-client': 'src/lab/programs/http-client.ts',
  },
  platform: 'node',
  external: ['koffi', /^@koromix\//],
  resolve: { conditionNames: ['@lastack/source', 'node', 'import', 'default'] },
  transform: {
    target: 'es2022',
    define: { 'process.env.LASTACK_VERSION': JSON.stringify(version) },
  },
  output: {
    dir: 'dist',
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    exports: 'named',
  },
  logLevel: 'warn',
});

// Stale files go last, so that the program can be run while it is built.
const built = new Set(output.map(({ fileName }) => fileName));
for (const file of await readdir(`${program}dist`)) {
  if (!built.has(file)) await rm(`${program}dist/${file}`, { recursive: true });
}
