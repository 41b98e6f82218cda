import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SYSTEM_CALLS, systemCallsOf } from './system-calls.ts';

const HEADERS = [
  {
    architecture: 'x64',
    column: 1,
    paths: ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h'],
  },
  { architecture: 'arm64', column: 2, paths: ['/usr/include/asm-generic/unistd.h'] },
] as const;

for (const { architecture, column, paths } of HEADERS) {
  test(`the numbers of ${architecture} are those of the kernel's header`, (ctx) => {
    const path = paths.find((path) => existsSync(path)) ?? paths[0];
    if (!existsSync(path)) ctx.skip(`${path} is missing: install linux-libc-dev`);
    const header = readFileSync(path, 'utf8');
    let checked = 0;
    for (const row of SYSTEM_CALLS) {
      const line = new RegExp(`^#define __NR(?:3264)?_${row[0]} (\\d+)$`, 'm').exec(header);
      // An older header lacks newer calls.
      if (line === null) continue;
      expect(row[column], row[0]).toBe(Number(line[1]));
      checked++;
    }
    expect(checked).toBeGreaterThan(40);
  });
}

test('each number of an architecture is one call', () => {
  for (const { architecture, column } of HEADERS) {
    const present = SYSTEM_CALLS.filter((row) => row[column] >= 0);
    expect(systemCallsOf(architecture).size).toBe(present.length);
  }
});

test('systemCallsOf() is empty for other architectures', () => {
  expect(systemCallsOf('mips').size).toBe(0);
});
