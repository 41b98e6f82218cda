import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { PROGRAM_ENV } from '../../../../lastack/test/kit/installed.ts';

/** Where a program that imports the bundle finds koffi: the bundle is in a folder that any user may write to. */
export const LIBRARY_ENV: NodeJS.ProcessEnv = {
  ...PROGRAM_ENV,
  NODE_PATH: fileURLToPath(new URL('../../../../../node_modules', import.meta.url)),
};

/** The library as one file that programs can import. */
export async function bundleLibrary(): Promise<Disposable & { readonly file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'net-library-'));
  const file = join(folder, 'index.mjs');
  const bundle = await rolldown({
    input: fileURLToPath(new URL('../../../src/index.ts', import.meta.url)),
    platform: 'node',
    external: [/^[^./]/],
  });
  await bundle.write({ file, format: 'es', codeSplitting: false });
  return { file, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
