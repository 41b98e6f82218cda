import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runLastack } from './kit/lastack.ts';
import { schemaErrors } from './kit/schema.ts';

test('explain lists what it knows, and draws the states', async () => {
  const { stdout, status } = await runLastack(['explain']);
  expect(status).toBe(0);
  expect(stdout).toContain('SYN-SENT ◀───┘');
  expect(stdout).toMatch(/CLOSE-WAIT +the peer has closed; this program has not/);
  expect(stdout).toContain('port-exhaustion');
});

test('explain CLOSE_WAIT tells what it means, shows it, and how to mend it', async () => {
  const { stdout } = await runLastack(['explain', 'CLOSE_WAIT']);
  expect(stdout).toMatch(/FIN ACK ─+▶ CLOSE-WAIT/);
  expect(stdout).toMatch(/60 s {2}CLOSED/);
  expect(stdout).toMatch(/10 min {2}CLOSED +CLOSE-WAIT/);
  expect(stdout).toMatch(/lasts +until the program closes/);
  for (const language of ['Node:', 'Python:', 'Go:', 'Java:']) expect(stdout).toContain(language);
});

test('explain time-wait runs the proof of why it exists', async () => {
  const { stdout } = await runLastack(['explain', 'time-wait', '--seeds', '500']);
  expect(stdout).toContain('Just now 500 pairs of connections');
  expect(stdout).toMatch(/^ +[1-9]\d* {2}without TIME-WAIT$/m);
  expect(stdout).toMatch(/^ +0 {2}with TIME-WAIT$/m);
});

test('the simulation is varied: programs, network, chance, and the letter of the RFC', async () => {
  const late = await runLastack(['explain', 'close-wait', '--server', 'closes-late']);
  expect(late.stdout).toContain('Simulated, varied.');
  expect(late.stdout).toMatch(/5\.03 s +close\(\)/);
  const lossy = ['explain', 'fin-wait-2', '--loss', '40%', '--duplicate', '30', '--delay', '50ms'];
  const first = await runLastack([...lossy, '--seed', '3']);
  expect(first.stdout).toMatch(/50 ms one way,\s40 %\slost, 30 % arrive twice, seed 3\./);
  expect(first.stdout).toContain('✕');
  expect((await runLastack([...lossy, '--seed', '3'])).stdout).toBe(first.stdout);
  expect((await runLastack([...lossy, '--seed', '4'])).stdout).not.toBe(first.stdout);
  const rfc = await runLastack(['explain', 'fin-wait-2', '--rfc']);
  expect(rfc.stdout).toMatch(/10 min {2}FIN-WAIT-2 +CLOSE-WAIT/);
});

test('explain --json says the same to a program, as its schema says', async () => {
  const { stdout: list } = await runLastack(['explain', '--json']);
  const { subjects } = JSON.parse(list) as { subjects: { id: string }[] };
  expect(schemaErrors('explain', JSON.parse(list))).toBeNull();
  expect(subjects).toHaveLength(11 + 16);
  for (const id of [
    'CLOSE-WAIT',
    'TIME-WAIT',
    'port-exhaustion',
    'zombie-children',
    'tcp_tw_reuse',
  ]) {
    const { stdout } = await runLastack(['explain', id, '--json', '--seeds', '10']);
    expect.soft(schemaErrors('explain', JSON.parse(stdout)), id).toBeNull();
  }
  const { stdout } = await runLastack(['explain', 'close-wait', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    id: 'CLOSE-WAIT',
    docs: 'docs/states/close-wait.md',
    simulation: { ends: { server: { state: 'CLOSE-WAIT' } } },
    trial: null,
  });
});

test.each([
  [
    'net.ipv4.tcp_fin_timeout',
    'It does not: it is the time of an orphaned FIN-WAIT-2. (TIME-WAIT)',
  ],
  ['tcp_tw_recycle', 'It is gone since Linux 4.12.'],
  ['SO_LINGER', 'It sends a RST'],
  ['eof-ignored', 'close-wait-leak the peer has closed, the program does not'],
])('a setting or a cause is explained, too: %s', async (name, truth) => {
  const { stdout, status } = await runLastack(['explain', name]);
  expect(status).toBe(0);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(truth);
});

test('explain --svg draws into a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lastack-explain-'));
  try {
    const file = join(folder, 'close-wait.svg');
    const { status } = await runLastack(['explain', 'close-wait', '--svg', file]);
    expect(status).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^<svg [^]*CLOSE-WAIT[^]*<\/svg>\n$/);
    const missing = await runLastack([
      'explain',
      'listen',
      '--svg',
      join(folder, 'no', 'file.svg'),
    ]);
    expect(missing).toMatchObject({ status: 2, stdout: '' });
    expect(missing.stderr).toContain('ENOENT');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [['explain', 'close-wiat'], "nothing is known about 'close-wiat'. Perhaps CLOSE-WAIT,"],
  [['explain', 'listen', '--loss', 'much'], 'Give a share of 100: 10%.'],
  [['explain', 'listen', '--loss', '101%'], 'Give a share of 100: 10%.'],
  [['explain', 'listen', '--seeds', '0'], 'Give a whole number from 1'],
  [['explain', 'listen', '--server', 'sleeps'], 'The programs are closes-first,'],
  [['explain', 'listen', '--linux', '--rfc'], 'cannot be used with'],
  [['explain', 'zombie-children', '--svg', '/dev/null'], 'has no sequence diagram'],
  [['explain', '--svg', '/dev/null'], '--svg needs a subject'],
])('%j is misuse', async (words, message) => {
  const { status, stderr, stdout } = await runLastack(words);
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
});
