import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLIENT, SERVER, serverRecord, traceRecord } from '../../test/trace-records.ts';
import { createFollower, type KnownSocket } from './follower.ts';

test('follow() tells times, holder and who closed first', () => {
  const { follow, size } = createFollower();
  expect(follow(traceRecord('CLOSED', 'SYN-SENT', { localPort: 0 }))).toMatchObject({
    cause: 'connect()',
    process: CLIENT,
    holder: CLIENT,
    fromMs: null,
    local: { address: '127.0.0.1', port: 0 },
    closedFirst: null,
  });
  const established = traceRecord('SYN-SENT', 'ESTABLISHED', { atMs: 3, running: SERVER });
  expect(follow(established)).toMatchObject({
    process: null,
    holder: CLIENT,
    fromMs: 3,
    local: { port: 4000 },
  });
  follow(traceRecord('ESTABLISHED', 'FIN-WAIT-1', { atMs: 5 }));
  follow(traceRecord('FIN-WAIT-1', 'FIN-WAIT-2', { atMs: 6 }));
  const last = { atMs: 8, finReceived: true, localPort: 0 };
  expect(follow(traceRecord('FIN-WAIT-2', 'CLOSED', last))).toMatchObject({
    to: 'TIME-WAIT',
    cause: 'receive FIN',
    closedFirst: 'local',
    fromMs: 2,
    local: { port: 4000 },
  });
  expect(size()).toBe(0);
});

test('follow() gives a new connection to the program that listens', () => {
  const { follow } = createFollower();
  follow(serverRecord('CLOSED', 'LISTEN', { socket: 9, remotePort: 0 }));
  const connection = serverRecord('LISTEN', 'SYN-RECEIVED', { running: CLIENT });
  expect(follow(connection)).toMatchObject({ holder: SERVER, process: null });
  // The kernel announces SYN-RECEIVED when it is over: its time is not known.
  const next = serverRecord('SYN-RECEIVED', 'ESTABLISHED', { atMs: 1 });
  expect(follow(next)).toMatchObject({ holder: SERVER, fromMs: null });
  expect(follow(serverRecord('LISTEN', 'CLOSED', { socket: 9, localPort: 0 }))).toMatchObject({
    process: SERVER,
  });
  expect(follow(serverRecord('LISTEN', 'SYN-RECEIVED', { socket: 3 }))?.holder).toBeNull();
});

test('follow() names nobody where several may take the connection', () => {
  const listens = (socket: number, pid: number) =>
    serverRecord('CLOSED', 'LISTEN', { socket, running: { pid, command: 'w' } });
  const several = createFollower();
  several.follow(listens(8, 1));
  several.follow(listens(9, 2));
  expect(several.follow(serverRecord('LISTEN', 'SYN-RECEIVED'))?.holder).toBeNull();
  const shared = createFollower({ isShared: (pid) => pid === SERVER.pid });
  shared.follow(serverRecord('CLOSED', 'LISTEN', { socket: 9 }));
  expect(shared.follow(serverRecord('LISTEN', 'SYN-RECEIVED'))?.holder).toBeNull();
});

test('follow() keeps listeners of other addresses and namespaces apart', () => {
  const { follow } = createFollower();
  const other = { pid: 33, command: 'other' };
  const elsewhere = Uint32Array.of(0x0200_007f, 0, 0, 0, 0, 0, 0, 0);
  follow(serverRecord('CLOSED', 'LISTEN', { socket: 7 }));
  follow(serverRecord('CLOSED', 'LISTEN', { socket: 8, running: other, netns: 6 }));
  follow(serverRecord('CLOSED', 'LISTEN', { socket: 9, running: other, addresses: elsewhere }));
  expect(follow(serverRecord('LISTEN', 'SYN-RECEIVED'))?.holder).toEqual(SERVER);
});

test('a dual-stack listener takes IPv4 connections', () => {
  const { follow } = createFollower();
  follow(
    serverRecord('CLOSED', 'LISTEN', { socket: 9, family: 10, addresses: new Uint32Array(8) }),
  );
  expect(follow(serverRecord('LISTEN', 'SYN-RECEIVED'))?.holder).toEqual(SERVER);
});

test('follow() knows the sockets that were there before', () => {
  const known = new Map<number, KnownSocket>([
    [2, { state: 'ESTABLISHED', holder: SERVER, listensAt: null }],
  ]);
  const { follow } = createFollower({ known });
  const record = serverRecord('ESTABLISHED', 'CLOSE-WAIT', { running: CLIENT, atMs: 9 });
  expect(follow(record)).toMatchObject({ holder: SERVER, fromMs: null, closedFirst: 'remote' });
});

test('follow() forgets an orphan that the kernel keeps without its socket, and repeats nothing', () => {
  const { follow, size } = createFollower();
  follow(traceRecord('CLOSED', 'SYN-SENT'));
  expect(follow(traceRecord('SYN-SENT', 'SYN-SENT'))).toBeNull();
  expect(size()).toBe(1);
  expect(follow(traceRecord('FIN-WAIT-2', 'CLOSED', { orphaned: true }))).toBeNull();
  expect(size()).toBe(0);
});

test('a name that is used again is a new socket', () => {
  const { follow } = createFollower();
  follow(traceRecord('CLOSED', 'SYN-SENT', { atMs: 1 }));
  follow(traceRecord('SYN-SENT', 'ESTABLISHED', { atMs: 2 }));
  const again = serverRecord('LISTEN', 'SYN-RECEIVED', { socket: 1, atMs: 9 });
  expect(follow(again)).toMatchObject({ fromMs: null, holder: null, local: { port: 80 } });
});

test('a source that knows ends only gives ends', () => {
  const { follow } = createFollower();
  const end = { ...traceRecord('CLOSED', 'CLOSED'), from: 0, error: null };
  expect(follow(end)).toMatchObject({ from: null, to: 'CLOSED', cause: 'unknown', process: null });
});

test('follow() flags a change that the model does not have', () => {
  const { follow } = createFollower();
  expect(follow(traceRecord('TIME-WAIT', 'ESTABLISHED'))?.isAllowed).toBe(false);
});

const anyRecord = fc.record({
  atMs: fc.double({ min: 0, max: 1e13, noNaN: true }),
  socket: fc.nat(5),
  netns: fc.option(fc.nat(2)),
  from: fc.integer({ min: -1, max: 20 }),
  to: fc.integer({ min: -1, max: 20 }),
  family: fc.constantFrom(2, 10, 0),
  localPort: fc.nat(3),
  remotePort: fc.nat(65_535),
  addresses: fc.uint32Array({ minLength: 8, maxLength: 8 }),
  at: fc.constant(0),
  error: fc.option(fc.nat(133)),
  running: fc.option(fc.record({ pid: fc.nat(3), command: fc.string() })),
  finReceived: fc.option(fc.boolean()),
  orphaned: fc.option(fc.boolean()),
  unread: fc.option(fc.nat()),
  acked: fc.option(fc.nat()),
  received: fc.option(fc.nat()),
});

test('follow() takes any records, and follows no more sockets than there are names', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 100 }), (records) => {
      const { follow, size } = createFollower();
      for (const record of records) {
        const transition = follow(record);
        if (transition === null) continue;
        expect(transition.from).not.toBe(transition.to);
        expect(transition.local.address).not.toBe('');
      }
      expect(size()).toBeLessThanOrEqual(5);
    }),
  );
});
