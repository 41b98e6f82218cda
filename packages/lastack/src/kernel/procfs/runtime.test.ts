import { expect, test } from 'vitest';
import { readRuntime, runtimeOfMaps, runtimeOfName } from './runtime.ts';

test('runtimeOfName() knows interpreters by their file names', () => {
  const cases = {
    '/usr/bin/node': 'node',
    '/usr/bin/node (deleted)': 'node',
    '/opt/node-22.1.0': 'node',
    nodejs: 'node',
    '/usr/bin/python3.11': 'python',
    '/opt/python3.13t': 'python',
    '/opt/pypy3.10': 'python',
    '/usr/lib/jvm/bin/java': 'java',
    '/usr/bin/nodemon-agent': null,
    '/usr/bin/pythonista': null,
    '/usr/sbin/nginx': null,
  };
  for (const [path, runtime] of Object.entries(cases)) {
    expect(runtimeOfName(path), path).toBe(runtime);
  }
});

test('runtimeOfMaps() knows embedded interpreters by their libraries', () => {
  const line = '7f0000000000-7f0000001000 r-xp 00000000 fe:00 123                        ';
  expect(runtimeOfMaps(`${line}/usr/lib/jvm/lib/server/libjvm.so\n`)).toBe('java');
  expect(runtimeOfMaps(`${line}/usr/lib/libpython3.11.so.1.0\n`)).toBe('python');
  expect(runtimeOfMaps(`${line}/usr/lib/libnode.so.115\n`)).toBe('node');
  expect(runtimeOfMaps(`${line}/usr/lib/libc.so.6\n`)).toBeNull();
});

test('readRuntime() looks into this process when its name tells nothing', () => {
  expect(readRuntime('/proc', process.pid, '/usr/bin/renamed', 'renamed')).toBe('other');
  expect(readRuntime('/proc', process.pid, null, 'node')).toBe('node');
});
