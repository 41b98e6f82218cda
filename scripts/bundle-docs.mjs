// Copies what a published lastack shows and refers to into its package: npm packs nothing from outside of it.
import { cp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const program = `${root}packages/lastack/`;

await rm(`${program}docs`, { recursive: true, force: true });
for (const name of ['docs', 'README.md', 'LICENSE']) {
  await cp(root + name, program + name, { recursive: true });
}
