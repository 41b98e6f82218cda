import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runLastack } from './kit/lastack.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastack-misuse-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

test.each([
  [['ls', 'state', 'closewait2'], "unknown state 'closewait2'"],
  [['ls', 'sport', '=', '('], 'sport needs a value'],
  [['ls', 'dport = :80 and and'], 'lastack: '],
  [['ls', 'src', 'example.com'], 'lastack: '],
  [['ls', 'age > 5 parsecs'], 'lastack: '],
  [['ls', '--sort', 'size'], 'Use one of age'],
  [['ls', '--netns', 'nowhere'], 'there is no network namespace nowhere'],
  [['ls', '--replay', '/nonexistent/file'], 'Cannot read /nonexistent/file'],
  [['ls', '--frobnicate'], "unknown option '--frobnicate'"],
  [['doctor', '--for', 'soon'], 'Give a duration with its unit'],
  [['doctor', '--for', '-1s'], 'Give a duration with its unit'],
  [['doctor', '--pid', '4194999'], 'There is no process 4194999'],
  [['doctor', '--pid', 'init'], 'Give the number of a process'],
  [['doctor', '--fail-on', 'never'], 'Allowed choices are warning, critical'],
  [['record', '/nonexistent/file', '--for', '0'], 'Cannot write /nonexistent/file'],
  [['doctor', '--for', '30d'], 'At most 7d'],
  [['doctor', '--watch', '0'], 'at least 100ms'],
  [['doctor', '--deep=query'], 'run it on a terminal, or add --yes'],
  [['doctor', '--deep=snapshot'], 'run it on a terminal, or add --yes'],
  [['doctor', '--deep=query', '--yes', '--watch'], '--deep goes with neither --watch nor'],
  [['doctor', '--deep=all'], 'Allowed choices are query, snapshot'],
  [['ls', '--netns', '/etc/passwd'], 'there is no network namespace /etc/passwd'],
  [['kill'], "missing required argument 'filter'"],
  [['kill', ''], 'kill needs a filter'],
  [['kill', '--yes', ' '], 'kill needs a filter'],
  [['frobnicate'], "unknown command 'frobnicate'"],
])('lastack %j ends with 2, one message and nothing on stdout', async (args, message) => {
  const { status, stdout, stderr } = await runLastack(args);
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/^lastack: /);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

test('a wrong filter is shown with a mark under the place', async () => {
  const { stderr } = await runLastack(['ls', 'state', 'close-wait', 'sport', '~', ':80']);
  const [, text, mark] = stderr.split('\n');
  expect(text).toBe('  state close-wait sport ~ :80');
  expect(mark).toBe('                         ^');
});

test('a record is refused when it is cut off, garbled, of another version or no record at all', async () => {
  const good = join(folder, 'good');
  const { status } = await runLastack(['record', good, '--for', '0']);
  expect(status).toBe(0);
  const bytes = await readFile(good);
  const garbled = Buffer.from(bytes).fill(0x5a, bytes.length >> 1, (bytes.length >> 1) + 64);
  const broken: Record<string, Uint8Array> = {
    'cut off': bytes.subarray(0, bytes.length >> 1),
    garbled,
    empty: Buffer.alloc(0),
    text: Buffer.from('Netid State Recv-Q'),
  };
  for (const [name, content] of Object.entries(broken)) {
    const path = join(folder, name.replace(' ', '-'));
    await writeFile(path, content);
    for (const command of ['ls', 'doctor']) {
      const run = await runLastack([command, '--replay', path]);
      expect(run.stdout, name).toBe('');
      expect(run.stderr, name).toMatch(/^lastack: .*is no record of lastack/);
      expect(run.status, name).toBe(2);
    }
  }
});

test('a reader that goes away ends ls quietly', async () => {
  const entry = fileURLToPath(new URL('../bin/lastack.cjs', import.meta.url));
  const child = spawn(process.execPath, [entry, 'ls'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const [status] = await once(child, 'close');
  expect(status).toBe(0);
  expect(complaints).not.toContain('EPIPE');
});

test('an output that cannot be written is one line and status 2', async () => {
  const entry = fileURLToPath(new URL('../bin/lastack.cjs', import.meta.url));
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [entry, 'ls'], { stdio: ['ignore', full, 'pipe'] });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const [status] = await once(child, 'close');
  closeSync(full);
  expect(status).toBe(2);
  expect(complaints).toContain('lastack: Cannot write the output: ENOSPC');
  expect(complaints).not.toMatch(/\n\s+at /);
});
