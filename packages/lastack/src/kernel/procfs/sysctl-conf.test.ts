import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { parseSysctlConf, readSysctlConf } from './sysctl-conf.ts';

/** A file system with these configuration files. */
function fileSystem(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'lastack-sysctl-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test('parseSysctlConf() reads assignments with their lines', () => {
  const text = `# tuning
; more
net.ipv4.tcp_tw_recycle = 1
-net/ipv4/conf/eth0.1/rp_filter=0
  net.ipv4.tcp_mem=1 2 3  \r
nonsense
= 5
`;
  expect(parseSysctlConf(text, '/etc/sysctl.conf')).toEqual([
    { file: '/etc/sysctl.conf', line: 3, key: 'net.ipv4.tcp_tw_recycle', value: '1' },
    { file: '/etc/sysctl.conf', line: 4, key: 'net.ipv4.conf.eth0/1.rp_filter', value: '0' },
    { file: '/etc/sysctl.conf', line: 5, key: 'net.ipv4.tcp_mem', value: '1 2 3' },
  ]);
});

test('parseSysctlConf() takes any text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const { key, line } of parseSysctlConf(text, 'f')) {
        expect(key).not.toBe('');
        expect(line).toBeGreaterThan(0);
      }
    }),
  );
});

test('readSysctlConf() applies files by name, hides overridden ones, and reads sysctl.conf last', () => {
  const root = fileSystem({
    'usr/lib/sysctl.d/10-base.conf': 'a.b = 1',
    'usr/lib/sysctl.d/50-hidden.conf': 'a.b = 2',
    'run/sysctl.d/20-run.conf': 'a.b = 3',
    'etc/sysctl.d/50-hidden.conf': 'a.b = 4',
    'etc/sysctl.d/README': 'a.b = 5',
    'etc/sysctl.conf': 'a.b = 6',
  });
  expect(readSysctlConf(root).map(({ value }) => value)).toEqual(['1', '3', '4', '6']);
});

test('readSysctlConf() reads a linked file once, and /dev/null as "switched off"', () => {
  const root = fileSystem({
    'usr/lib/sysctl.d/50-off.conf': 'a.b = 1',
    'etc/sysctl.d/README': '',
    'etc/sysctl.conf': 'a.b = 2',
  });
  symlinkSync('/dev/null', join(root, 'etc/sysctl.d/50-off.conf'));
  symlinkSync('../sysctl.conf', join(root, 'etc/sysctl.d/99-sysctl.conf'));
  symlinkSync('nowhere', join(root, 'etc/sysctl.d/60-broken.conf'));
  expect(readSysctlConf(root)).toEqual([
    { file: join(root, 'etc/sysctl.d/99-sysctl.conf'), line: 1, key: 'a.b', value: '2' },
  ]);
});

test('readSysctlConf() finds nothing where there is nothing', () => {
  expect(readSysctlConf('/nowhere')).toEqual([]);
});
