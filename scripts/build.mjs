// Bundles the program into CommonJS: one file starts 4–6 ms sooner than ES modules.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const program = fileURLToPath(new URL('../packages/lastack/', import.meta.url));

await rm(`${program}dist`, { recursive: true, force: true });
await build({
  cwd: program,
  input: { main: 'src/cli/main.ts' },
  platform: 'node',
  external: ['koffi', /^@koromix\//],
  resolve: { conditionNames: ['@lastack/source', 'node', 'import', 'default'] },
  transform: { target: 'es2022' },
  output: {
    dir: 'dist',
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    exports: 'named',
  },
  logLevel: 'warn',
});
