// Builds @lastack/net: one CommonJS implementation and a thin ES module over it, so that an error is of
// the same class however it was imported; with --types also one file of types an entry, and the license.
import { copyFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { packageFolder, readEntries, withTypes } from './extract-types.mjs';

const dist = `${packageFolder}dist/`;
const all = await readEntries();
const entries = all.filter(({ isRequirable }) => isRequirable).map(({ name }) => name);
/** Entries for programs that are ES modules only; they reach the rest through ./index.mjs. */
const moduleEntries = all.filter(({ isRequirable }) => !isRequirable).map(({ name }) => name);

const built = new Set([...(await buildImplementation()), ...(await buildModules())]);
if (process.argv.includes('--types')) {
  await buildTypes();
  // npm packs nothing from outside of the package.
  const license = fileURLToPath(new URL('../LICENSE', import.meta.url));
  await copyFile(license, `${packageFolder}LICENSE`);
}
await removeStale();

async function buildImplementation() {
  const { output } = await build({
    ...common(),
    input: inputOf(entries),
    output: { ...outputOf('cjs'), exports: 'named' },
  });
  for (const entry of entries) {
    const { exports } = output.find(({ name, isEntry }) => isEntry && name === entry);
    const lines = exports
      .toSorted()
      .map((name) => `export const ${name} = implementation.${name};\n`);
    const source = `import implementation from './${entry}.cjs';\n\n${lines.join('')}`;
    // Renamed into place, so that a program that runs meanwhile never reads half a file.
    await writeFile(`${dist}${entry}.mjs.new`, source);
    await rename(`${dist}${entry}.mjs.new`, `${dist}${entry}.mjs`);
  }
  return [...output.map(({ fileName }) => fileName), ...entries.map((entry) => `${entry}.mjs`)];
}

async function buildModules() {
  const implementation = {
    name: 'implementation',
    resolveId: (id) => (id === './index.ts' ? { id: './index.mjs', external: true } : null),
  };
  const { output } = await build({
    ...common(),
    plugins: [implementation],
    input: inputOf(moduleEntries),
    output: outputOf('es'),
  });
  return output.map(({ fileName }) => fileName);
}

function common() {
  return {
    cwd: packageFolder,
    platform: 'node',
    external: ['koffi', 'undici', /^vitest/],
    transform: { target: 'es2022' },
    logLevel: 'warn',
  };
}

function inputOf(names) {
  return Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));
}

function outputOf(format) {
  const extension = format === 'es' ? 'mjs' : 'cjs';
  const fileNames = `[name].${extension}`;
  return { dir: 'dist', format, entryFileNames: fileNames, chunkFileNames: fileNames };
}

async function buildTypes() {
  await withTypes(`${dist}types`, async (extract) => {
    for (const entry of [...entries, ...moduleEntries]) {
      const types = `${dist}${entry}.d.mts`;
      extract(entry, { dtsRollup: { enabled: true, untrimmedFilePath: types } });
      if (entries.includes(entry)) await copyFile(types, `${dist}${entry}.d.cts`);
    }
  });
}

/** Last, so that the package can be used while it is built. */
async function removeStale() {
  for (const file of await readdir(dist)) {
    const isBuilt = built.has(file) || /\.d\.[cm]ts$/.test(file);
    if (!isBuilt) await rm(`${dist}${file}`, { recursive: true });
  }
}
