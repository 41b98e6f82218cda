import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UNKNOWN_AGE, type Age } from '../socket/age.ts';
import { parseAddress } from '../socket/address.ts';
import { SocketTableBuilder } from '../socket/table-builder.ts';
import { KERNEL_STATE, TCP_STATES, type TcpState } from '../tcp/state.ts';
import type { Filter } from './ast.ts';
import { FilterError } from './filter-error.ts';
import { needsOf } from './needs.ts';
import { parseFilter } from './parse.ts';
import { compilePredicate, type SocketOwner } from './predicate.ts';

interface Socket {
  readonly state?: TcpState;
  readonly local?: readonly [address: string, port: number];
  readonly remote?: readonly [address: string, port: number];
  readonly device?: number;
  readonly uid?: number;
  readonly inode?: number;
  readonly recvQ?: number;
  readonly sendQ?: number;
  readonly netns?: number;
}

/** A table of one row. */
function tableOf(socket: Socket): SocketTableBuilder {
  const table = new SocketTableBuilder(1, false);
  const [source, sport] = socket.local ?? ['10.0.0.1', 40_000];
  const [destination, dport] = socket.remote ?? ['10.0.0.2', 443];
  const family = source.includes(':') ? 10 : 2;
  table.head[0] = family | (KERNEL_STATE[socket.state ?? 'ESTABLISHED'] << 8);
  const ports = Uint8Array.of(sport >> 8, sport & 0xff, dport >> 8, dport & 0xff);
  table.ports[0] = new Uint32Array(ports.buffer)[0];
  const bytes = [...(parseAddress(source) ?? []), ...(parseAddress(destination) ?? [])];
  const words = new Uint32Array(Uint8Array.from(bytes).buffer);
  table.source[0] = family === 2 ? words[0] : table.addAddresses6(words, 0);
  table.destination[0] = family === 2 ? words[1] : 0;
  table.device[0] = socket.device ?? 0;
  table.uid[0] = socket.uid ?? 0;
  table.inode[0] = socket.inode ?? 7;
  table.recvQ[0] = socket.recvQ ?? 0;
  table.sendQ[0] = socket.sendQ ?? 0;
  table.netns[0] = socket.netns ?? 1;
  table.count = 1;
  return table;
}

function matches(
  text: string,
  socket: Socket,
  owners: readonly SocketOwner[] = [],
  age: Age = UNKNOWN_AGE,
): boolean {
  const filter = parseFilter(text);
  const predicate = compilePredicate(filter, {
    ownersOf: (inode) => (inode === 7 ? owners : []),
    ageOf: () => age,
  });
  return predicate(tableOf(socket), 0);
}

test('compilePredicate() matches states, the kernel’s sub-states under their own', () => {
  expect(matches('state close-wait', { state: 'CLOSE-WAIT' })).toBe(true);
  expect(matches('state close-wait', { state: 'ESTABLISHED' })).toBe(false);
  expect(matches('exclude close-wait', { state: 'CLOSE-WAIT' })).toBe(false);
  expect(matches('state syn-recv', { state: 'SYN-RECEIVED' })).toBe(true);
  expect(matches('state bound-inactive', { state: 'CLOSED' })).toBe(true);
  expect(matches('state connected', { state: 'CLOSED' })).toBe(false);
  expect(matches('exclude closed', { state: 'CLOSED' })).toBe(false);
  expect(matches('', { state: 'LISTEN' })).toBe(true);
});

test('compilePredicate() matches states among the conditions, and every state or its opposite', () => {
  const closeWait: Socket = { state: 'CLOSE-WAIT', recvQ: 1 };
  for (const text of [
    'recvq > 0 and state close-wait',
    'not state listening',
    'recvq = 0 or state connected',
    'state listening or state close-wait',
    'state close-wait and recvq > 0',
    'recvq > 0 exclude bucket',
  ]) {
    expect([matches(text, closeWait), matches(text, { state: 'LISTEN' })], text).toEqual([
      true,
      text.startsWith('recvq = 0') || text.startsWith('state listening'),
    ]);
  }
  for (const name of ['closed', 'bound-inactive', 'syn-recv', 'bucket', 'connected', 'big']) {
    for (const state of TCP_STATES) {
      const asked = [`( state ${name} )`, `not state ${name}`, `( exclude ${name} )`];
      const [is, isNot, excluded] = asked.map((text) => matches(text, { state }));
      expect([isNot, excluded], `${name} ${state}`).toEqual([!is, !is]);
    }
  }
});

test('compilePredicate() matches an IPv4 condition against IPv4-mapped sockets, and not the other way', () => {
  const ipv4: Socket = { remote: ['10.0.0.2', 443] };
  const mapped: Socket = { local: ['::ffff:10.0.0.1', 1], remote: ['::ffff:10.0.0.2', 443] };
  for (const text of ['dst 10.0.0.2', 'dst 10/8', 'dst 0.0.0.0/0', 'dst 10.0.0.3/31']) {
    expect([matches(text, ipv4), matches(text, mapped)], text).toEqual([true, true]);
  }
  for (const text of ['dst ::ffff:10.0.0.2', 'dst [::ffff:10.0.0.0/104]', 'src inet6:*']) {
    expect([matches(text, ipv4), matches(text, mapped)], text).toEqual([false, true]);
  }
  for (const text of ['dst inet:10.0.0.2', 'src inet:*']) {
    expect([matches(text, ipv4), matches(text, mapped)], text).toEqual([true, false]);
  }
});

test('compilePredicate() compares prefixes bit by bit', () => {
  const socket: Socket = { local: ['2001:db8:8000::1', 80], remote: ['fe80::ff', 9] };
  for (const text of ['src 2001:db8::/32', 'src 2001:db8:8000::/33', 'src ::/0:80', 'dst *:9']) {
    expect(matches(text, socket), text).toBe(true);
  }
  for (const text of ['src 2001:db8::/33', 'src 2001:db8::', 'src ::/0:81', 'dst fe80::/128']) {
    expect(matches(text, socket), text).toBe(false);
  }
});

test('compilePredicate() compares ages by their certain bounds, negated ones too', () => {
  const between: Age = { minMs: 60_000, maxMs: 600_000, exact: false };
  const atLeast: Age = { minMs: 60_000, maxMs: null, exact: false };
  const cases: readonly (readonly [text: string, age: Age, matches: boolean])[] = [
    ['age > 59s', between, true],
    ['age > 1m', between, false],
    ['age >= 1m', between, true],
    ['age > 5m', between, false],
    ['age < 5m', between, false],
    ['age < 10m', between, false],
    ['age <= 10m', between, true],
    ['age < 11m', between, true],
    ['age < 2d', atLeast, false],
    ['age > 30s', atLeast, true],
    ['not age > 5m', between, false],
    ['not age < 5m', between, false],
    ['not age > 10m', between, true],
    ['not age > 10m', UNKNOWN_AGE, false],
    ['not ( age < 1m or dport = :80 )', between, true],
    ['age >= 0s', UNKNOWN_AGE, true],
  ];
  for (const [text, age, expected] of cases) {
    expect(matches(text, {}, [], age), `${text} ${age.minMs}–${age.maxMs}`).toBe(expected);
  }
});

test('compilePredicate() matches any holder of a socket, and a negation only when no holder matches', () => {
  const owners = [
    { pid: 812, command: 'nginx' },
    { pid: 900, command: 'node worker' },
  ];
  for (const text of ['pid = 812', 'pid > 899', 'comm = nginx', 'comm ~ work', 'pid != 1']) {
    expect(matches(text, {}, owners), text).toBe(true);
  }
  for (const text of ['pid != 812', 'not pid > 899', 'comm !~ work', 'comm != nginx', 'pid 1']) {
    expect(matches(text, {}, owners), text).toBe(false);
  }
  expect(matches('pid = 812', { inode: 0 }, owners)).toBe(false);
  expect(matches('pid != 812', { inode: 0 }, owners)).toBe(true);
});

test('compilePredicate() matches no uid condition where the kernel does not know the uid', () => {
  const timeWait: Socket = { state: 'TIME-WAIT', inode: 0, uid: 0 };
  for (const text of ['uid = 0', 'uid != 0', 'not uid = 0', 'uid < 1000']) {
    expect(matches(text, timeWait), text).toBe(false);
  }
  expect(matches('uid = 0', { uid: 0 })).toBe(true);
  expect(matches('uid != 0', { uid: 1000, inode: 0 })).toBe(true);
});

test('compilePredicate() compares queues, network namespaces and devices', () => {
  const socket: Socket = { recvQ: 1, sendQ: 20, netns: 4_026_531_840, device: 3 };
  for (const text of ['recvq > 0', 'sendq >= 20', 'netns = 4026531840', 'dev 3', 'dev != 2']) {
    expect(matches(text, socket), text).toBe(true);
  }
  for (const text of ['recvq > 1', 'sendq != 20', 'netns != 4026531840', 'not dev 3']) {
    expect(matches(text, socket), text).toBe(false);
  }
});

test('compilePredicate() asks for owners and ages only of rows that everything else lets through', () => {
  let asked = 0;
  const predicate = compilePredicate(
    parseFilter('( pid = 1 or age > 5m ) dport = :80 sport != :1'),
    {
      ownersOf: () => {
        asked++;
        return [];
      },
      ageOf: () => {
        asked++;
        return UNKNOWN_AGE;
      },
    },
  );
  expect(predicate(tableOf({}), 0)).toBe(false);
  expect(asked).toBe(0);
});

test('compilePredicate() refuses what is in no row', () => {
  for (const [text, name] of [
    ['dport 80 or fwmark = 1', 'fwmark'],
    ['dport 80 or not autobound', 'autobound'],
    ['dport 80 or cgroup = 5', 'cgroup'],
  ] as const) {
    expect(() => matches(text, {}), text).toThrow(FilterError);
    expect(() => matches(text, {}), text).toThrow(`${name} is known to the kernel alone`);
  }
});

/** A filter's text, and what it means by the words of docs/filter.md. */
interface Meant {
  readonly text: string;
  readonly holds: (socket: Socket) => boolean;
}

const NOT_CONNECTED = new Set<TcpState>(['LISTEN', 'CLOSED']);
const BUCKETS = new Set<TcpState>(['SYN-RECEIVED', 'TIME-WAIT']);
const NAMED_STATES: Readonly<Record<string, (state: TcpState) => boolean>> = {
  all: () => true,
  connected: (state) => !NOT_CONNECTED.has(state),
  synchronized: (state) => state !== 'SYN-SENT' && !NOT_CONNECTED.has(state),
  bucket: (state) => BUCKETS.has(state),
  big: (state) => !BUCKETS.has(state),
  established: (state) => state === 'ESTABLISHED',
  'CLOSE-WAIT': (state) => state === 'CLOSE-WAIT',
  syn_recv: (state) => state === 'SYN-RECEIVED',
  listening: (state) => state === 'LISTEN',
  closed: (state) => state === 'CLOSED',
  'bound-inactive': (state) => state === 'CLOSED',
};

const stateName = fc.constantFrom(...Object.keys(NAMED_STATES));
const meantState: fc.Arbitrary<Meant> = fc
  .tuple(fc.constantFrom('state', 'exclude', 'excl'), stateName)
  .map(([word, name]) => ({
    text: `${word} ${name}`,
    holds: ({ state = 'CLOSED' }) => NAMED_STATES[name](state) === (word === 'state'),
  }));
const meantTerm: fc.Arbitrary<Meant> = fc.oneof(
  meantState,
  fc.constantFrom<Meant>(
    { text: 'sport = :80', holds: ({ local }) => local?.[1] === 80 },
    { text: 'recvq > 0', holds: ({ recvQ }) => recvQ === 1 },
    { text: 'age > 5m', holds: ({ recvQ }) => recvQ === 1 },
    { text: 'age <= 5m', holds: ({ recvQ }) => recvQ !== 1 },
    { text: 'pid != 812', holds: ({ inode }) => inode !== 7 },
  ),
);

function join(left: Meant, joint: string, right: Meant): Meant {
  return {
    text: `${left.text} ${joint} ${right.text}`,
    holds:
      joint === 'or'
        ? (socket) => left.holds(socket) || right.holds(socket)
        : (socket) => left.holds(socket) && right.holds(socket),
  };
}

/** Joined from left to right. */
function joinAll(first: Meant, rest: readonly (readonly [joint: string, right: Meant])[]): Meant {
  return rest.reduce((left, [joint, right]) => join(left, joint, right), first);
}

function negate(text: string, { holds }: Meant): Meant {
  return { text, holds: (socket) => !holds(socket) };
}

const joint = fc.constantFrom('and', 'or', '');
const { list: meantList, operand: meantOperand } = fc.letrec<{ list: Meant; operand: Meant }>(
  (tie) => ({
    list: fc
      .tuple(tie('operand'), fc.array(fc.tuple(joint, tie('operand')), { maxLength: 3 }))
      .map(([first, rest]) => joinAll(first, rest)),
    operand: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      meantTerm,
      meantTerm.map((meant) => negate(`not ${meant.text}`, meant)),
      tie('list').map(({ text, holds }) => ({ text: `( ${text} )`, holds })),
      tie('list').map((meant) => negate(`! ( ${meant.text} )`, meant)),
    ),
  }),
);

/** In front the first `state` starts from none and the first `exclude` from all; then each adds or takes away. */
const meantFront = fc
  .array(meantState, { minLength: 1, maxLength: 3 })
  .map((states) =>
    states.reduce((left, right) =>
      right.text.startsWith('state')
        ? { ...join(left, 'or', right), text: `${left.text} ${right.text}` }
        : join(left, '', right),
    ),
  );

const startsWithState = ({ text }: Meant) => /^(?:state|excl)/.test(text);
const meantFilter = fc.oneof(
  meantList.filter((list) => !startsWithState(list)),
  fc
    .tuple(meantFront, fc.constantFrom('and', ''), meantList)
    .filter(([, joint, list]) => joint === 'and' || !startsWithState(list))
    .map(([front, joint, list]) => join(front, joint, list)),
  fc
    .tuple(meantFront, meantOperand, fc.array(fc.tuple(joint, meantOperand), { maxLength: 3 }))
    .map(([front, second, rest]) => joinAll(join(front, 'or', second), rest)),
);

const EVERY_SOCKET: readonly Socket[] = TCP_STATES.flatMap((state) =>
  [0, 1].flatMap((recvQ) =>
    [80, 81].flatMap((port) =>
      [7, 8].map((inode): Socket => ({ state, recvQ, inode, local: ['10.0.0.1', port] })),
    ),
  ),
);

test('compilePredicate() decides as the words say, with states in front and anywhere', () => {
  const rows = EVERY_SOCKET.map((socket) => [socket, tableOf(socket)] as const);
  let refused = 0;
  fc.assert(
    fc.property(meantFilter, ({ text, holds }) => {
      const filter = parseOrRefuse(text);
      if (typeof filter === 'string') refused++;
      // What is refused as a whole finds nothing.
      else expectSame(text, rows, holds, filter);
      const isEmpty = typeof filter === 'string' && filter.includes('join states');
      expect(isEmpty && EVERY_SOCKET.some(holds), text).toBe(false);
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeLessThan(1000);
});

function expectSame(
  text: string,
  rows: readonly (readonly [Socket, SocketTableBuilder])[],
  holds: (socket: Socket) => boolean,
  filter: Filter,
): void {
  const predicate = compilePredicate(filter, {
    ownersOf: (inode) => (inode === 7 ? [{ pid: 812, command: 'x' }] : []),
    ageOf: ({ recvQ }, row) => {
      const ms = recvQ[row] * 600_000;
      return { minMs: ms, maxMs: ms, exact: true };
    },
  });
  for (const [socket, table] of rows) {
    expect(predicate(table, 0), `${text}: ${socket.state}`).toBe(holds(socket));
  }
}

/** The filter, or why its states exclude each other. */
function parseOrRefuse(text: string): Filter | string {
  try {
    return parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError && /^(?:no|this) state/.test(error.message)) {
      return error.message;
    }
    throw error;
  }
}

test('needsOf() names what must be gathered, and nothing more', () => {
  const cases = {
    'state close-wait dport = :80': { owners: false, age: false, kernel: false },
    'not ( dport 80 or comm ~ node )': { owners: true, age: false, kernel: false },
    'pid 1 and age > 5m': { owners: true, age: true, kernel: false },
    'autobound uid = 0': { owners: false, age: false, kernel: true },
    '': { owners: false, age: false, kernel: false },
  };
  for (const [text, needs] of Object.entries(cases)) {
    expect(needsOf(parseFilter(text)), text).toEqual(needs);
  }
});
