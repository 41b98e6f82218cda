import { expect, it } from 'vitest';
import { isOfPoolLibrary } from './pools.ts';

it.each([
  '    at Client._connect (/app/node_modules/pg/lib/client.js:141:11)\n    at BoundPool.newClient (/app/node_modules/pg-pool/index.js:234:12)',
  '    at PoolConnection (C:\\app\\node_modules\\mysql2\\lib\\base\\pool.js:50:20)',
  '    at makeConnection (/app/node_modules/mongodb/lib/cmap/connect.js:292:20)',
  '    at Pool.create (/app/node_modules/tarn/dist/PendingOperation.js:1:1)',
])('isOfPoolLibrary() knows %s', (stack) => {
  expect(isOfPoolLibrary(stack.replaceAll('\\', '\\'))).toBe(true);
});

it.each([
  '    at connect (/app/src/pg-pool/connect.ts:1:1)',
  '    at Client._connect (/app/node_modules/pg/lib/client.js:141:11)',
  '    at open (/app/node_modules/tarnish/index.js:1:1)',
])('isOfPoolLibrary() leaves out %s', (stack) => {
  expect(isOfPoolLibrary(stack)).toBe(false);
});
