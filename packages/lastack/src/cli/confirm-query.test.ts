import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirmQueryOn } from './confirm-query.ts';

const COST = {
  pid: 4121,
  how: 'query' as const,
  heapBytes: 190e6,
  pauseMs: 2280,
  extraBytes: 190e6,
};

function terminal() {
  const [input, output] = [new PassThrough(), new PassThrough()];
  return { input, output, shown: () => String(output.read() ?? '') };
}

test.each([
  ['y\n', true],
  ['Yes\n', true],
  ['n\n', false],
  ['\n', false],
  ['yesterday\n', false],
])('confirmQueryOn() takes %j for %s', async (answer, isAgreed) => {
  const { input, output } = terminal();
  input.write(answer);
  expect(await confirmQueryOn({ input, output }, false)(COST)).toBe(isAgreed);
});

test('confirmQueryOn() says what it costs before it asks', async () => {
  const { input, output, shown } = terminal();
  input.write('n\n');
  await confirmQueryOn({ input, output }, false)(COST);
  expect(shown()).toMatch(
    /process 4121 must look through its heap \(190 MB\): it will stand still for about 2\.3 s, need up to 190 MB more memory.* \[y\/N\] $/,
  );
});

test('confirmQueryOn() says what a snapshot costs', async () => {
  const { input, output, shown } = terminal();
  const cost = { ...COST, how: 'snapshot' as const, pauseMs: 20_900, extraBytes: 1900e6 };
  await confirmQueryOn({ input, output }, true)(cost);
  expect(shown()).toMatch(
    /process 4121 must write a snapshot of its heap \(190 MB\): .* about 20\.9 s, and need up to 1900 MB more/,
  );
});

test('confirmQueryOn() does not take the end of the input for an agreement', async () => {
  const { input, output } = terminal();
  input.end();
  expect(await confirmQueryOn({ input, output }, false)(COST)).toBe(false);
});

test('confirmQueryOn() only says what it costs when the user has agreed already', async () => {
  const { input, output, shown } = terminal();
  expect(await confirmQueryOn({ input, output }, true)(COST)).toBe(true);
  expect(shown()).toMatch(/stand still for about 2\.3 s.*\.\n$/);
});
