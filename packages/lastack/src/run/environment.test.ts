import { expect, test } from 'vitest';
import { preloadEnvironment } from './environment.ts';

const PRELOADS = { folder: '/tmp/r', node: '/opt/a b/"x"/preload.cjs', python: '/tmp/r/python' };

test("preloadEnvironment() leaves the user's own preloads in front, and his path behind", () => {
  const env = { NODE_OPTIONS: '--enable-source-maps', PYTHONPATH: '/his', HOME: '/h' };
  expect(preloadEnvironment(env, { ...PRELOADS, node: '/n.cjs' })).toEqual({
    HOME: '/h',
    LASTACK_RUN_DIR: '/tmp/r',
    NODE_OPTIONS: '--enable-source-maps --require /n.cjs',
    PYTHONPATH: '/tmp/r/python:/his',
  });
});

test('preloadEnvironment() quotes a path as NODE_OPTIONS wants it', () => {
  expect(preloadEnvironment({ PYTHONPATH: '' }, PRELOADS)).toEqual({
    LASTACK_RUN_DIR: '/tmp/r',
    NODE_OPTIONS: String.raw`--require "/opt/a b/\"x\"/preload.cjs"`,
    PYTHONPATH: '/tmp/r/python',
  });
});
