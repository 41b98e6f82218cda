import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const conditions = ['@lastack/source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts'],
    reporters: ['default', './scripts/plain-reporter.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Vitest leaves one processor to itself, which on two means that nothing runs side by side.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
