// Builds @lastack/net: one CommonJS implementation and a thin ES module over it, so that an error is of
// the same class however it was imported; with --types also one file of types an entry.
import { spawnSync } from 'node:child_process';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const packageFolder = `${root}packages/net/`;
const dist = `${packageFolder}dist/`;
const { exports: subpaths } = JSON.parse(await readFile(`${packageFolder}package.json`, 'utf8'));

const sources = Object.values(subpaths).filter((conditions) => conditions['@lastack/source']);
const entryOf = (conditions) => /([^/]+)\.ts$/.exec(conditions['@lastack/source'])[1];
const entries = sources.filter((conditions) => conditions.require).map(entryOf);
/** Entries for programs that are ES modules only; they reach the rest through ./index.mjs. */
const moduleEntries = sources.filter((conditions) => !conditions.require).map(entryOf);

await buildImplementation();
await buildModules();
if (process.argv.includes('--types')) await buildTypes();

async function buildImplementation() {
  await build({
    ...common(),
    input: inputOf(entries),
    output: { ...outputOf('cjs'), exports: 'named' },
  });
  const require = createRequire(import.meta.url);
  for (const entry of entries) {
    const file = `${dist}${entry}.cjs`;
    delete require.cache[file];
    const names = Object.keys(require(file)).toSorted();
    const lines = names.map((name) => `export const ${name} = implementation.${name};\n`);
    const source = `import implementation from './${entry}.cjs';\n\n${lines.join('')}`;
    // Renamed into place, so that a program that runs meanwhile never reads half a file.
    await writeFile(`${dist}${entry}.mjs.new`, source);
    await rename(`${dist}${entry}.mjs.new`, `${dist}${entry}.mjs`);
  }
}

async function buildModules() {
  if (moduleEntries.length === 0) return;
  const implementation = {
    name: 'implementation',
    resolveId: (id) => (id === './index.ts' ? { id: './index.mjs', external: true } : null),
  };
  await build({
    ...common(),
    plugins: [implementation],
    input: inputOf(moduleEntries),
    output: outputOf('es'),
  });
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
  const { Extractor, ExtractorConfig } = await import('@microsoft/api-extractor');
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: packageFolder,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`tsc ended with status ${status}`);
  for (const entry of [...entries, ...moduleEntries]) {
    const types = `${dist}${entry}.d.mts`;
    const config = ExtractorConfig.prepare({
      packageJsonFullPath: `${packageFolder}package.json`,
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: packageFolder,
        mainEntryPointFilePath: `${dist}types/${entry}.d.ts`,
        compiler: { tsconfigFilePath: `${packageFolder}tsconfig.build.json` },
        apiReport: { enabled: false },
        docModel: { enabled: false },
        dtsRollup: { enabled: true, untrimmedFilePath: types },
        tsdocMetadata: { enabled: false },
      },
    });
    const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback });
    if (!succeeded) throw new Error(`the types of ${entry} could not be rolled into one file`);
    if (entries.includes(entry)) await copyFile(types, `${dist}${entry}.d.cts`);
  }
  await rm(`${dist}types`, { recursive: true });
}

function messageCallback(message) {
  // Its own compiler is older than ours, and release tags are not used.
  const isNoise = /^(console-|ae-missing-release-tag|ae-undocumented)/.test(message.messageId);
  if (isNoise || message.messageId.startsWith('tsdoc-')) message.logLevel = 'none';
}
