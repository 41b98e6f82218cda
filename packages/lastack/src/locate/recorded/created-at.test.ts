import { expect, test } from 'vitest';
import { createdAt } from './created-at.ts';

const frame = (file: string) => ({ file, line: 44, function: 'connect' });

test('createdAt() gives the line of the program as it is', () => {
  expect(createdAt(frame('/srv/app/src/cache.js'))).toEqual({
    role: 'created',
    ...frame('/srv/app/src/cache.js'),
    evidence: 'recorded by lastack run',
  });
});

test.each([
  ['/srv/app/node_modules/ioredis/built/Redis.js', 'ioredis'],
  ['/srv/node_modules/a/node_modules/@scope/name/index.js', '@scope/name'],
  ['/usr/lib/python3/dist-packages/urllib3/connection.py', 'urllib3'],
  ['/venv/lib/python3.12/site-packages/pymysql.py', 'pymysql'],
])('createdAt() says that %s is of the package %s', (file, name) => {
  expect(createdAt(frame(file))).toMatchObject({
    file,
    name: `made by package ${name}`,
    evidence: "recorded by lastack run; no line of the program's own was on the stack",
  });
});
