import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** The library as one file that programs can import; it must stand where its dependencies are found. */
export async function bundleLibrary(): Promise<Disposable & { readonly file: string }> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const folder = at('../../../../../node_modules/.cache/net-tests/');
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${process.pid}-${Math.random().toString(36).slice(2)}.mjs`;
  const bundle = await rolldown({
    input: at('../../../src/index.ts'),
    platform: 'node',
    external: [/^[^./]/],
  });
  await bundle.write({ file, format: 'es', codeSplitting: false });
  return { file, [Symbol.dispose]: () => rmSync(file, { force: true }) };
}
