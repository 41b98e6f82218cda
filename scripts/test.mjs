// Builds, installs what the tests need where that is allowed, and runs every test.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Debian packages by the program that the tests call from them. */
const NEEDED = {
  ss: 'iproute2',
  ip: 'iproute2',
  python3: 'python3',
  nsenter: 'util-linux',
  nft: 'nftables',
};

function run(command, args, options) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options }).status ?? 1;
}

function isInstalled(program) {
  const folders = `${process.env.PATH}:/usr/sbin:/sbin`.split(':');
  return folders.some((folder) => existsSync(`${folder}/${program}`));
}

function installMissing() {
  const missing = Object.keys(NEEDED).filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => NEEDED[program]))];
  if (process.getuid() !== 0 || !isInstalled('apt-get')) {
    console.log(
      `Tests that call ${missing.join(', ')} will be skipped: install ${packages.join(' ')} to run them.`,
    );
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['-qq', 'update'], { env });
  run('apt-get', ['-qq', 'install', '--no-install-recommends', '-y', ...packages], { env });
}

installMissing();
const args = process.argv.slice(2);
process.exitCode =
  run(process.execPath, ['scripts/build.mjs']) ||
  run(process.execPath, ['scripts/build-net.mjs']) ||
  run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args]);
