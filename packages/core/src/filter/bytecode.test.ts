import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UNKNOWN_AGE } from '../socket/age.ts';
import { kernelStateOf, localPortOf, remotePortOf } from '../socket/row.ts';
import { SocketTableBuilder } from '../socket/table-builder.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import type { Filter } from './ast.ts';
import { compileBytecode } from './bytecode.ts';
import { FilterError } from './filter-error.ts';
import { parseFilter } from './parse.ts';
import { compilePredicate, type PredicateContext } from './predicate.ts';
import { rowStatesOf } from './states.ts';

/** What the kernel knows of a socket beyond its row. */
interface KernelFacts {
  readonly autobound: boolean;
  readonly mark: number;
  readonly cgroup: bigint;
}

const NO_FACTS: KernelFacts = { autobound: false, mark: 0, cgroup: 0n };

/** What inet_diag_bc_run() decides, by the description in include/uapi/linux/inet_diag.h. */
function runBytecode(
  program: Uint8Array,
  table: SocketTableBuilder,
  row: number,
  facts: KernelFacts,
): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const sport = localPortOf(table, row);
  const dport = remotePortOf(table, row);
  const test = (at: number): boolean => {
    const operand = view.getUint16(Math.min(at + 6, program.length - 2), true);
    switch (program[at]) {
      case 1:
        return false;
      case 2:
        return sport >= operand;
      case 3:
        return sport <= operand;
      case 4:
        return dport >= operand;
      case 5:
        return dport <= operand;
      case 6:
        return facts.autobound;
      case 7:
        return hostMatches(program, at, sport, addressOf(table, row, 'source'));
      case 8:
        return hostMatches(program, at, dport, addressOf(table, row, 'destination'));
      case 9:
        return table.device[row] === view.getUint32(at + 4, true);
      case 10:
        return (facts.mark & view.getUint32(at + 8, true)) >>> 0 === view.getUint32(at + 4, true);
      case 13:
        return facts.cgroup === view.getBigUint64(at + 4, true);
      default:
        throw new Error(`operation ${program[at]}`);
    }
  };
  let at = 0;
  while (at < program.length) at += test(at) ? program[at + 1] : view.getUint16(at + 2, true);
  return at === program.length;
}

/** The address as text of bits, so that a prefix is a prefix. */
function addressOf(
  table: SocketTableBuilder,
  row: number,
  column: 'source' | 'destination',
): string {
  const start = table.source[row] * 8 + (column === 'source' ? 0 : 4);
  const words =
    (table.head[row] & 0xff) === 2
      ? Uint32Array.of(table[column][row])
      : table.addresses6.slice(start, start + 4);
  return bits(new Uint8Array(words.buffer));
}

function bits(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function hostMatches(program: Uint8Array, at: number, port: number, address: string): boolean {
  const [family, prefix] = program.subarray(at + 4);
  const wantedPort = new DataView(program.buffer).getInt32(at + 8, true);
  const wanted = bits(program.subarray(at + 12, at + program[at + 1])).slice(0, prefix);
  const mapped = `${'0'.repeat(80)}${'1'.repeat(16)}`;
  if (wantedPort !== -1 && wantedPort !== port) return false;
  if (family === 0 || family === (address.length === 32 ? 2 : 10))
    return address.startsWith(wanted);
  return family === 2 && address.startsWith(mapped + wanted);
}

/** The rules of inet_diag_bc_audit(): `yes` walks all operations, `no` leads to one of them, the end, or 4 beyond. */
function expectAccepted(program: Uint8Array): void {
  const view = new DataView(program.buffer);
  const starts = new Set<number>([program.length, program.length + 4]);
  for (let at = 0; at < program.length; at += program[at + 1]) {
    expect(program[at + 1]).toBeGreaterThanOrEqual(4);
    starts.add(at);
  }
  for (let at = 0; at < program.length; at += program[at + 1]) {
    const no = view.getUint16(at + 2, true);
    expect(no).toBeGreaterThanOrEqual(program[at + 1]);
    expect(starts).toContain(at + no);
  }
  expect(program.length % 4).toBe(0);
}

const address4 = fc.constantFrom('0.0.0.0', '10.0.0.1', '10.0.0.2', '10.128.0.1', '127.0.0.1');
const address6 = fc.constantFrom('::', '::1', '::ffff:10.0.0.1', '::ffff:127.0.0.1', 'fd00::1');
const port = fc.constantFrom(0, 22, 80, 443, 40_000, 65_535);
const side = fc.constantFrom('src', 'dst');

const kernelTerm = fc.oneof(
  fc
    .tuple(side, address4, fc.integer({ min: 0, max: 32 }), fc.option(port))
    .map(([side, address, prefix, port]) => `${side} ${address}/${prefix}:${port ?? '*'}`),
  fc
    .tuple(side, address6, fc.integer({ min: 0, max: 128 }), fc.option(port))
    .map(([side, address, prefix, port]) => `${side} [${address}]/${prefix}:${port ?? '*'}`),
  fc
    .tuple(side, fc.constantFrom('inet:', 'inet6:', ''), port)
    .map(([side, family, port]) => `${side} ${family}*:${port}`),
  fc
    .tuple(
      fc.constantFrom('sport', 'dport'),
      fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
      port,
    )
    .map((parts) => parts.join(' ')),
  fc.constantFrom('dev 0', 'dev 1', 'dev != 2'),
);
const kernelOnlyTerm = fc.constantFrom(
  'autobound',
  'fwmark = 1',
  'fwmark 2/2',
  'fwmark != 0xf0000001/0xf000000f',
  'cgroup = 5',
  'cgroup != 9223372036854775807',
);
const ourTerm = fc.constantFrom(
  'pid = 1',
  'pid != 2',
  'comm ~ n',
  'age > 5m',
  'age < 5m',
  'uid = 0',
  'recvq > 0',
);

const stateTerm = fc
  .tuple(
    fc.constantFrom('state', 'exclude'),
    fc.constantFrom('close-wait', 'established', 'listening', 'closed', 'bucket', 'connected'),
  )
  .map((words) => words.join(' '));
/** What may stand before the conditions. */
const front = fc.constantFrom('', 'state connected', 'exclude established and', 'state closed or');

/** Texts of filters over terms, with parentheses and without. */
function filterText(term: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.letrec<{ list: string; operand: string }>((tie) => ({
    list: fc
      .array(fc.tuple(tie('operand'), fc.constantFrom('and', 'or', '')), {
        minLength: 1,
        maxLength: 4,
      })
      .map((parts) =>
        parts.map(([operand, joint], i) => (i === 0 ? operand : `${joint} ${operand}`)).join(' '),
      ),
    operand: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      term,
      term.map((text) => `not ${text}`),
      tie('list').map((text) => `( ${text} )`),
      tie('list').map((text) => `! ( ${text} )`),
    ),
  })).list;
}

const word = fc.constantFrom(0, 0x0a000001, 0x0a000002, 0x0a800001, 0x7f000001, 0xffff, 1, 0xfd00);
const socket = fc.record({
  state: fc.constantFrom(...Object.values(KERNEL_STATE)),
  is6: fc.boolean(),
  isMapped: fc.boolean(),
  words: fc.array(word, { minLength: 8, maxLength: 8 }),
  sport: port,
  dport: port,
  device: fc.nat(2),
  inode: fc.nat(3),
  uid: fc.nat(1),
  recvQ: fc.nat(1),
});

function tableOf(sockets: readonly (typeof socket extends fc.Arbitrary<infer S> ? S : never)[]) {
  const table = new SocketTableBuilder(sockets.length, false);
  const inNetworkOrder = (words: readonly number[]): Uint32Array => {
    const view = new DataView(new ArrayBuffer(words.length * 4));
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word);
    return new Uint32Array(view.buffer);
  };
  for (const { is6, isMapped, words, ...socket } of sockets) {
    table.reserve(1);
    const row = table.count;
    const six = isMapped ? [0, 0, 0xffff, words[3], 0, 0, 0xffff, words[7]] : words;
    const [source, destination] = inNetworkOrder(words);
    table.head[row] = (is6 ? 10 : 2) | (socket.state << 8);
    [table.ports[row]] = inNetworkOrder([socket.sport * 0x10000 + socket.dport]);
    table.source[row] = is6 ? table.addAddresses6(inNetworkOrder(six), 0) : source;
    table.destination[row] = is6 ? 0 : destination;
    table.device[row] = socket.device;
    table.inode[row] = socket.inode;
    table.uid[row] = socket.uid;
    table.recvQ[row] = socket.recvQ;
    table.count++;
  }
  return table;
}

const context: PredicateContext = {
  ownersOf: (inode) => [
    { pid: inode, command: 'node' },
    { pid: 2, command: 'x' },
  ],
  ageOf: (table, row) =>
    table.recvQ[row] === 1 ? UNKNOWN_AGE : { minMs: 6e5, maxMs: 6e5, exact: true },
};

/** The filter; a property takes another one when its states exclude each other. */
function parsePossible(text: string): Filter {
  try {
    return parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) fc.pre(!/^(?:no|this) state/.test(error.message));
    throw error;
  }
}

test('compileBytecode() makes programs that the kernel’s verifier accepts and that decide as the predicate does', () => {
  fc.assert(
    fc.property(
      filterText(kernelTerm),
      fc.array(socket, { minLength: 1, maxLength: 20 }),
      (text, sockets) => {
        const filter = parseFilter(text);
        const { bytecode, exact, residual } = compileBytecode(filter);
        if (bytecode === null) throw new Error('no bytecode');
        expect(exact).toBe(true);
        expect(residual.expression).toBeNull();
        expectAccepted(bytecode);
        const table = tableOf(sockets);
        const predicate = compilePredicate(filter, context);
        for (let row = 0; row < table.count; row++) {
          expect(runBytecode(bytecode, table, row, NO_FACTS)).toBe(predicate(table, row));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('compileBytecode() divides a filter so that states, bytecode and residual together decide as the whole', () => {
  fc.assert(
    fc.property(
      front,
      filterText(fc.oneof(kernelTerm, ourTerm, stateTerm)),
      fc.array(socket, { minLength: 1, maxLength: 20 }),
      (front, conditions, sockets) => {
        const text = `${front} ${conditions}`;
        const filter = parsePossible(text);
        const { states, bytecode, exact, residual } = compileBytecode(filter);
        expect(residual.states).toBeNull();
        if (bytecode !== null) expectAccepted(bytecode);
        expect(exact).toBe(residual.expression === null);
        const table = tableOf(sockets);
        const whole = compilePredicate(filter, context);
        const rest = compilePredicate(residual, context);
        for (let row = 0; row < table.count; row++) {
          const passed =
            rowStatesOf(states)[kernelStateOf(table, row)] === 1 &&
            (bytecode === null || runBytecode(bytecode, table, row, NO_FACTS));
          expect(passed && rest(table, row), text).toBe(whole(table, row));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('compileBytecode() has the kernel test what only the kernel knows', () => {
  const facts = fc.record({
    autobound: fc.boolean(),
    mark: fc.constantFrom(0, 1, 2, 3, 0xf0000001),
    cgroup: fc.constantFrom(5n, 9_223_372_036_854_775_807n),
  });
  /** The same filter with the kernel's facts written in as terms that are always true or false. */
  const substitute = (text: string, facts: KernelFacts) =>
    text
      .replaceAll('autobound', truth(facts.autobound))
      .replaceAll('fwmark = 1', truth(facts.mark === 1))
      .replaceAll('fwmark 2/2', truth((facts.mark & 2) === 2))
      .replaceAll('fwmark != 0xf0000001/0xf000000f', truth(facts.mark !== 0xf0000001))
      .replaceAll('cgroup = 5', truth(facts.cgroup === 5n))
      .replaceAll('cgroup != 9223372036854775807', truth(facts.cgroup === 5n));
  const truth = (value: boolean) => (value ? 'src *' : '( not src * )');
  fc.assert(
    fc.property(
      filterText(fc.oneof(kernelTerm, kernelOnlyTerm)),
      socket,
      facts,
      (text, socket, facts) => {
        const { bytecode, exact } = compileBytecode(parseFilter(text));
        if (bytecode === null) throw new Error('no bytecode');
        expect(exact).toBe(true);
        expectAccepted(bytecode);
        const table = tableOf([socket]);
        const predicate = compilePredicate(parseFilter(substitute(text, facts)), context);
        expect(runBytecode(bytecode, table, 0, facts)).toBe(predicate(table, 0));
      },
    ),
    { numRuns: 1000 },
  );
});

test('compileBytecode() gives the kernel a weaker condition where it cannot test all of one', () => {
  const weak = compileBytecode(parseFilter('dport = :80 or ( sport = :443 and pid = 1 )'));
  const same = compileBytecode(parseFilter('dport = :80 or sport = :443'));
  expect(weak.bytecode).toEqual(same.bytecode);
  expect([weak.exact, same.exact]).toEqual([false, true]);
  expect(compileBytecode(parseFilter('dport = :80 or pid = 1')).bytecode).toBeNull();
});

test('compileBytecode() refuses a kernel term that the kernel cannot test alone', () => {
  const text = 'dport = :80 and ( age > 5m or fwmark = 1 )';
  expect(() => compileBytecode(parseFilter(text))).toThrow(FilterError);
  expect(() => compileBytecode(parseFilter(text))).toThrow(
    expect.objectContaining({
      message: expect.stringContaining('fwmark is tested by the kernel'),
      position: text.indexOf('fwmark'),
    }),
  );
  const together = compileBytecode(parseFilter('age > 5m and fwmark = 1'));
  expect(together.bytecode).not.toBeNull();
  expect(compilePredicate(together.residual, context)(tableOf([]), 0)).toBe(true);
});

test('compileBytecode() leaves a filter too long for netlink to the predicate', () => {
  const ports = Array.from({ length: 6000 }, (_, i) => `sport = :${i}`).join(' or ');
  const long = compileBytecode(parseFilter(ports));
  expect(long.bytecode).toBeNull();
  expect(long.exact).toBe(false);
  expect(compilePredicate(long.residual, context)(tableOf([]), 0)).toBe(true);
  expect(() => compileBytecode(parseFilter(`${ports} autobound`))).toThrow('too long');
});

test('compileBytecode() asks for every state when the filter names none', () => {
  expect(compileBytecode(parseFilter('')).states).toBe(0x1fff);
  expect(compileBytecode(parseFilter('')).bytecode).toBeNull();
  expect(compileBytecode(parseFilter('state close-wait')).states).toBe(0x100);
});

test('compileBytecode() asks for the states that a condition demands, wherever it stands', () => {
  const cases: Readonly<Record<string, readonly [states: number, exact: boolean]>> = {
    'state close-wait and dport = :80': [0x100, true],
    'dport = :80 state close-wait': [0x100, true],
    'not state listening': [0x1bff, true],
    'not ( state listening or dport = :80 )': [0x1bff, true],
    '( state close-wait or state fin-wait-2 ) and dport = :80': [0x120, true],
    'state connected dport = :80 exclude bucket': [0x1b7f & ~0x1448, true],
    'state close-wait or state fin-wait-2': [0x120, true],
    'state close-wait and age > 5m': [0x100, false],
    '( state close-wait and age > 5m ) or ( state fin-wait-2 and dport = :80 )': [0x120, false],
    'state close-wait or dport = :80': [0x1fff, false],
    // Sockets that are bound and no more are asked for by name only, and then wherever the name stands.
    'sport = :80 and state closed': [0x2080, true],
    'sport = :80 and state bound-inactive': [0x2080, true],
    'state closed or sport = :80': [0x3fff, false],
    'not not state closed': [0x2080, true],
    'not state closed': [0x1f7f, true],
  };
  for (const [text, [states, exact]] of Object.entries(cases)) {
    const kernel = compileBytecode(parseFilter(text));
    expect([kernel.states, kernel.exact], text).toEqual([states, exact]);
  }
});

test('compileBytecode() gives the kernel what stands beside a state that it cannot test', () => {
  const both = compileBytecode(
    parseFilter('( state close-wait and sport = :80 ) or ( state listening and dport = :81 )'),
  );
  const ports = compileBytecode(parseFilter('sport = :80 or dport = :81'));
  expect(both.bytecode).toEqual(ports.bytecode);
  expect([both.states, both.exact]).toEqual([0x500, false]);
  const marked = compileBytecode(parseFilter('fwmark = 1 and state established'));
  expect([marked.states, marked.exact]).toEqual([0x002, true]);
  expect(() => compileBytecode(parseFilter('fwmark = 1 or state established'))).toThrow(
    'fwmark is tested by the kernel',
  );
});
