// Writes the pages of docs/ that say what `lastack explain` says; with --check it says which are out of date: npm run docs
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const bundle = `${root}node_modules/.cache/docs/pages.mjs`;

await build({
  cwd: root,
  input: 'packages/lastack/src/explain/pages.ts',
  platform: 'node',
  resolve: { conditionNames: ['@lastack/source', 'node', 'import', 'default'] },
  output: { file: bundle, format: 'esm' },
  logLevel: 'warn',
});
const { docsPages } = await import(bundle);

const isCheck = process.argv.includes('--check');
const pages = docsPages();
const stale = [];
for (const [path, text] of pages) {
  const written = await readFile(root + path, 'utf8').catch(() => null);
  if (written === text) continue;
  stale.push(path);
  if (isCheck) continue;
  await mkdir(dirname(root + path), { recursive: true });
  await writeFile(root + path, text);
}
const left = (await readdir(`${root}docs/states`).catch(() => []))
  .map((name) => `docs/states/${name}`)
  .filter((path) => !pages.has(path));

if (isCheck) {
  for (const path of stale) console.error(`${path} is out of date: npm run docs`);
  for (const path of left) console.error(`${path} belongs to no state: delete it`);
  process.exitCode = stale.length + left.length > 0 ? 1 : 0;
} else console.log(`${pages.size} pages, ${stale.length} written`);
