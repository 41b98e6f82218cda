import { expect, test } from 'vitest';
import { processOf } from '../../../core/test/evidence.ts';
import { nativeTool } from './native-tools.ts';

test.each([
  [{ runtime: 'java' }, 'jcmd 7 Thread.print'],
  [{ runtime: 'go' }, '/debug/pprof/goroutine?debug=2'],
  [{ runtime: 'go' }, 'dlv attach 7'],
  [{ runtime: 'python' }, 'py-spy dump --pid 7'],
  [{ runtime: 'node' }, 'lastack doctor --pid 7 --attach'],
  [{ runtime: 'other', command: 'puma 6.4' }, 'rbspy snapshot --pid 7'],
  [{ runtime: 'other', command: 'nginx' }, 'eu-stack -s -p 7'],
] as const)('nativeTool() of %j names %s', (facts, command) => {
  expect(nativeTool(processOf({ pid: 7, ...facts }))).toContain(command);
});
