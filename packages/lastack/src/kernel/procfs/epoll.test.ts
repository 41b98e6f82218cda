import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEpollFdinfo, readEpollWatch } from './epoll.ts';
import { isClear } from './testing/is-clear.ts';
import { startPython } from './testing/program.ts';

/** Captured on Linux 6.18.44. */
const FDINFO = `pos:\t0
flags:\t02000002
mnt_id:\t16
ino:\t1053
tfd:        5 events:       19 data:                5  pos:0 ino:5fd4e sdev:8
tfd:       12 events: 80002018 data:   7f2a00000000000c  pos:0 ino:5fd4f sdev:8
`;

test('parseEpollFdinfo() reads descriptor, events and inode', () => {
  expect(parseEpollFdinfo(FDINFO)).toEqual({
    kind: 'ok',
    value: [
      { fd: 5, events: 0x19, inode: 0x5fd4e },
      { fd: 12, events: 0x80002018, inode: 0x5fd4f },
    ],
  });
});

test('parseEpollFdinfo() reads lines of kernels before 4.13, without the inode', () => {
  const text = 'tfd:        5 events:       19 data:                5\n';
  expect(parseEpollFdinfo(text)).toMatchObject({ value: [{ fd: 5, inode: null }] });
});

test('parseEpollFdinfo() says what it does not understand', () => {
  expect(parseEpollFdinfo('tfd: x\n')).toMatchObject({
    kind: 'unavailable',
    reason: 'epoll fdinfo is not as the kernel writes it: "tfd: x"',
  });
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(isClear(parseEpollFdinfo(`${FDINFO}${a}\ntfd: ${b}`), 'epoll')).toBe(true);
    }),
  );
});

test('readEpollWatch() tells watched from muted and unregistered descriptors', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
epoll = select.epoll()
pairs = [socket.socketpair() for _ in range(3)]
watched, muted, absent = (pair[0].fileno() for pair in pairs)
epoll.register(watched, select.EPOLLIN)
epoll.register(muted, select.EPOLLOUT)
ready(watched, muted)
time.sleep(600)
`,
  );
  const [watched, muted] = python.ready.split(' ').map(Number);
  expect(readEpollWatch('/proc', python.pid, new Map())).toEqual({
    kind: 'ok',
    value: { instances: 1, fds: [watched], muted: [muted], complete: true },
  });
});

test('readEpollWatch() leaves out a number that has become another socket', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
epoll = select.epoll()
a, b = socket.socketpair()
epoll.register(a.fileno(), select.EPOLLIN)
other = os.dup(a.fileno())
c, d = socket.socketpair()
os.dup2(c.fileno(), a.fileno())
ready()
time.sleep(600)
`,
  );
  expect(readEpollWatch('/proc', python.pid, new Map())).toMatchObject({
    value: { instances: 1, fds: [] },
  });
});
