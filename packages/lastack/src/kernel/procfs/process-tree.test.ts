import { expect, test } from 'vitest';
import { readProcessTree, zombiesByParent } from './process-tree.ts';
import { startPython } from './testing/program.ts';

test('readProcessTree() finds this process and its parent', () => {
  const tree = readProcessTree('/proc');
  expect(tree.kind === 'ok' && tree.value.get(process.pid)).toMatchObject({
    parentPid: process.ppid,
    state: 'R',
  });
});

test('readProcessTree() says where procfs is missing', () => {
  expect(readProcessTree('/nowhere/proc')).toMatchObject({
    kind: 'unavailable',
    reason: 'there is no /nowhere/proc',
  });
});

test('zombiesByParent() finds a child that nobody waits for', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
child = subprocess.Popen(['true'])
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
ready(child.pid)
time.sleep(600)
`,
  );
  const tree = readProcessTree('/proc');
  if (tree.kind !== 'ok') throw new Error(tree.reason);
  expect(zombiesByParent(tree.value).get(python.pid)).toEqual([Number(python.ready)]);
});

test('a process whose first thread has ended is no zombie', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
import ctypes
def wait():
    path = '/proc/%d/task/%d/stat' % (os.getpid(), os.getpid())
    while open(path).read().split(') ')[1][0] != 'Z': time.sleep(0.001)
    ready()
    time.sleep(600)
threading.Thread(target=wait).start()
ctypes.CDLL(None).syscall(${process.arch === 'arm64' ? 93 : 60}, 0)
`,
  );
  const tree = readProcessTree('/proc');
  if (tree.kind !== 'ok') throw new Error(tree.reason);
  expect(tree.value.get(python.pid)).toMatchObject({ state: 'Z', threads: 2 });
  expect(zombiesByParent(tree.value).get(process.pid) ?? []).not.toContain(python.pid);
});
