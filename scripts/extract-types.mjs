// The public types of @lastack/net, an entry at a time: for the files that it ships, and for the pages of docs/api.
import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
export const packageFolder = `${root}packages/net/`;

/**
 * The entries of package.json's `exports`: the file's name in src/ without `.ts`, how it is imported, and whether
 * CommonJS can require it. Entries for programs that are ES modules only cannot be.
 */
export async function readEntries() {
  const { name, exports } = JSON.parse(await readFile(`${packageFolder}package.json`, 'utf8'));
  return Object.entries(exports)
    .filter(([, conditions]) => conditions['@lastack/source'])
    .map(([subpath, conditions]) => ({
      name: /([^/]+)\.ts$/.exec(conditions['@lastack/source'])[1],
      specifier: name + subpath.slice(1),
      isRequirable: conditions.require !== undefined,
    }));
}

/**
 * Compiles the package's types into `folder`, calls `use` with a function that runs api-extractor on an entry, and
 * removes the folder.
 */
export async function withTypes(folder, use) {
  const { Extractor, ExtractorConfig } = await import('@microsoft/api-extractor');
  const tsc = `${root}node_modules/typescript/bin/tsc`;
  const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', folder];
  const { status } = spawnSync(process.execPath, args, { cwd: packageFolder, stdio: 'inherit' });
  if (status !== 0) throw new Error(`tsc ended with status ${status}`);
  const extract = (entry, outputs) => {
    const config = ExtractorConfig.prepare({
      packageJsonFullPath: `${packageFolder}package.json`,
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: packageFolder,
        mainEntryPointFilePath: `${folder}/${entry}.d.ts`,
        compiler: { tsconfigFilePath: `${packageFolder}tsconfig.build.json` },
        apiReport: { enabled: false },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        ...outputs,
      },
    });
    const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback });
    if (!succeeded) throw new Error(`the types of ${entry} could not be rolled into one file`);
  };
  try {
    await use(extract);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function messageCallback(message) {
  // Its own compiler is older than ours, and release tags are not used; api-docs.mjs looks for missing comments.
  const isNoise = /^(console-|ae-missing-release-tag|ae-undocumented)/.test(message.messageId);
  if (isNoise || message.messageId.startsWith('tsdoc-')) message.logLevel = 'none';
}
