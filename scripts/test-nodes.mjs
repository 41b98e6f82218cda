// Runs the tests of @lastack/net on each Node that lastack supports, and what lastack attaches to on all of them.
// `npm run test:nodes`, `npm run test:nodes -- 22 26`. The Nodes are fetched from the registry into node_modules/.cache.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const MAJORS = ['20', '22', '24', '26'];
/** Tests that start the Nodes of LASTACK_TEST_NODES by themselves. */
const STARTERS = ['packages/lastack/src/locate/node', 'packages/net/test/package.test.ts'];

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = `${root}node_modules/.cache/nodes/`;
const majors = process.argv.length > 2 ? process.argv.slice(2) : MAJORS;

const unknown = majors.filter((major) => !MAJORS.includes(major));
if (unknown.length > 0) {
  console.error(`Node ${unknown.join(', ')} is not tested: choose from ${MAJORS.join(', ')}.`);
  process.exit(2);
}

const nodes = [];
for (const major of majors) nodes.push(await fetchNode(major));
for (const script of ['scripts/build.mjs', 'scripts/build-net.mjs']) {
  if (run(process.execPath, [script]).status !== 0) process.exit(1);
}

const results = [];
for (const node of nodes) {
  const { stdout: version } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  results.push(await test(`@lastack/net on Node ${version.trim()}`, node, ['packages/net'], []));
}
// The running Node has an npm beside it, and starts the others.
results.push(await test('lastack and the tarball, on all', process.execPath, STARTERS, nodes));

for (const { title, passed, failed, skipped } of results) {
  console.log(`${title}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}
process.exitCode = results.every(({ isOk }) => isOk) ? 0 : 1;

/** @returns the path of its binary */
async function fetchNode(major) {
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = `${cache}${major}`;
  const binary = `${prefix}/node_modules/${name}/bin/node`;
  if (!existsSync(binary)) {
    await mkdir(prefix, { recursive: true });
    const args = ['install', '--prefix', prefix, '--no-audit', '--no-fund', `${name}@${major}`];
    const { status } = run('npm', args, { cwd: prefix });
    if (status !== 0) throw new Error(`npm could not install ${name}@${major}: see above`);
  }
  return binary;
}

async function test(title, node, filters, others) {
  console.log(`\n${title}`);
  const file = `${cache}results-${process.pid}.json`;
  const reporters = ['default', './scripts/plain-reporter.mjs', 'json'].map(
    (name) => `--reporter=${name}`,
  );
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...filters, ...reporters];
  const env = { ...process.env, LASTACK_TEST_NODES: others.join(':') };
  const { status } = run(node, [...args, `--outputFile.json=${file}`], { env });
  const found = JSON.parse(await readFile(file, 'utf8'));
  await rm(file);
  return {
    title,
    isOk: status === 0,
    passed: found.numPassedTests,
    failed: found.numFailedTests,
    skipped: found.numPendingTests,
  };
}

function run(command, args, options) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
}
