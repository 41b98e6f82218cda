// Writes docs/api: a page for each entry of @lastack/net, made from the comments of its source. Fails when a public symbol,
// a member or a number's unit has none. With --check it writes nothing, and fails when a page is not as it would be written.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { docOf, gapsOf, renderPage } from './api-page.mjs';
import { packageFolder, readEntries, withTypes } from './extract-types.mjs';

const pages = fileURLToPath(new URL('../docs/api/', import.meta.url));
const isCheck = process.argv.includes('--check');
const wrong = [];

const models = await mkdtemp(join(tmpdir(), 'api-docs-'));
try {
  // In the package: for api-extractor, files elsewhere are another package's.
  await withTypes(`${packageFolder}.types`, async (extract) => {
    for (const { name, specifier } of await readEntries()) {
      const apiJsonFilePath = join(models, `${name}.api.json`);
      extract(name, { docModel: { enabled: true, apiJsonFilePath } });
      const model = JSON.parse(await readFile(apiJsonFilePath, 'utf8'));
      wrong.push(...gapsOf(model).map((gap) => `${specifier}: ${gap}`));
      await keep(`${name}.md`, renderPage(model, specifier, await introOf(name)));
    }
  });
} finally {
  await rm(models, { recursive: true });
}
for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;

async function keep(file, page) {
  if (!isCheck) return writeFile(pages + file, page);
  const written = await readFile(pages + file, 'utf8').catch(() => '');
  if (written !== page) wrong.push(`docs/api/${file} is not up to date: run npm run api-docs`);
}

/** The comment at the top of the entry's file. */
async function introOf(entry) {
  const source = await readFile(`${packageFolder}src/${entry}.ts`, 'utf8');
  return docOf({ docComment: /^\/\*\*[^]*?\*\//.exec(source)[0] }).text;
}
