import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALL_STATES_MASK } from '../tcp/state.ts';
import type { Expression, HostTerm } from './ast.ts';
import { FilterError } from './filter-error.ts';
import type { FilterNames } from './names.ts';
import { parseFilter } from './parse.ts';

const names: FilterNames = {
  services: (name) => new Map([['ssh', 22]]).get(name) ?? null,
  devices: (name) => new Map([['lo', 1]]).get(name) ?? null,
  cgroups: (path) => (path.startsWith('/') ? 42n : null),
};

function expressionOf(text: string): Expression {
  const { expression } = parseFilter(text, names);
  if (expression === null) throw new Error(`no expression in ${text}`);
  return expression;
}

/** The filter as it was understood, every operand in parentheses. */
function show(expression: Expression): string {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return `(${expression.operands.map(show).join(` ${expression.kind} `)})`;
    case 'not':
      return `not ${show(expression.operand)}`;
    case 'state':
      return `state 0x${expression.mask.toString(16)}`;
    case 'host':
      return showHost(expression);
    case 'port':
      return `${expression.side} ${expression.operator} ${expression.port}`;
    case 'device':
      return `dev ${expression.ifindex}`;
    case 'mark':
      return `mark ${expression.mark}/${expression.mask}`;
    case 'cgroup':
      return `cgroup ${expression.id}`;
    case 'autobound':
      return 'autobound';
    case 'age':
      return `age ${expression.operator} ${expression.ms}`;
    case 'number':
      return `${expression.field} ${expression.operator} ${expression.value}`;
    case 'pid':
      return `pid ${expression.operator} ${expression.pid}`;
    case 'command':
      return `comm ${expression.operator} ${expression.text}`;
    default:
      return expression satisfies never;
  }
}

function showHost({ side, family, address, prefix, port }: HostTerm): string {
  const bytes = address === null ? '*' : `${Buffer.from(address).toString('hex')}/${prefix}`;
  return `${side} ${family === null ? '' : `${family} `}${bytes}:${port ?? '*'}`;
}

/** The error in a filter, or null; anything but a FilterError fails the test. */
function errorOf(text: string): FilterError | null {
  try {
    parseFilter(text, names);
    return null;
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
}

describe('parseFilter() reads', () => {
  const loopback6 = '00000000000000000000000000000001';
  const cases: Readonly<Record<string, string>> = {
    // ports, every operator
    'sport = :80': 'local *:80',
    'sport 80': 'local *:80',
    'dport == 80': 'remote *:80',
    'dport eq :ssh': 'remote *:22',
    'dport ssh': 'remote *:22',
    'dport = 0x50': 'remote *:80',
    'dport != :80': 'not remote *:80',
    'dport ne :80': 'not remote *:80',
    'dport neq :80': 'not remote *:80',
    'dport < :80': 'remote < 80',
    'dport lt :80': 'remote < 80',
    'dport <= :80': 'remote <= 80',
    'dport le 80': 'remote <= 80',
    'dport leq 80': 'remote <= 80',
    'sport > 80': 'local > 80',
    'sport gt 80': 'local > 80',
    'sport >= 80': 'local >= 80',
    'sport ge 80': 'local >= 80',
    'sport geq 80': 'local >= 80',
    'sport = *': 'local *:*',
    'sport = inet::80': 'local inet *:80',
    'sport >= inet6:80': '(local inet6 *:* and local >= 80)',
    // addresses
    'dst 10.0.0.0/8': 'remote 0a000000/8:*',
    'dst = 10.0.0.1:443': 'remote 0a000001/32:443',
    'dst != 10.0.0.1': 'not remote 0a000001/32:*',
    'dst 10/8': 'remote 0a000000/8:*',
    'dst 193.233.7/24:ssh': 'remote c1e90700/24:22',
    'dst 10.0.0.0/255.0.0.0': 'remote 0a000000/8:*',
    'src [::1]:80': `local ${loopback6}/128:80`,
    'src ::1': `local ${loopback6}/128:*`,
    'dst [2001:db8::]/32': 'remote 20010db8000000000000000000000000/32:*',
    'dst [2001:db8::/32]': 'remote 20010db8000000000000000000000000/32:*',
    'dst [2001:db8::]/32:443': 'remote 20010db8000000000000000000000000/32:443',
    'dst 2001:db8::/32:443': 'remote 20010db8000000000000000000000000/32:443',
    'dst 2001:db8::1': 'remote 20010db8000000000000000000000001/128:*',
    'src :80': 'local *:80',
    'dst *:443': 'remote *:443',
    'dst *': 'remote *:*',
    'dst any': 'remote *:*',
    'dst inet:10.0.0.1': 'remote inet 0a000001/32:*',
    'dst inet6:*': 'remote inet6 *:*',
    'dst inet6:[::1]:443': `remote inet6 ${loopback6}/128:443`,
    // the kernel's other terms
    'dev lo': 'dev 1',
    'dev != 7': 'not dev 7',
    'fwmark = 0x10': 'mark 16/4294967295',
    'fwmark 0x01/0x03': 'mark 1/3',
    'cgroup /sys/fs/cgroup/a': 'cgroup 42',
    'cgroup != 812': 'not cgroup 812',
    autobound: 'autobound',
    // ours
    'age > 5m': 'age > 300000',
    'age lt 1h30m': 'age < 5400000',
    'pid = 812': 'pid = 812',
    'pid 812': 'pid = 812',
    'pid != 812': 'not pid = 812',
    'pid > 1': 'pid > 1',
    'comm = nginx': 'comm = nginx',
    'comm ~ node': 'comm ~ node',
    'comm !~ node': 'not comm ~ node',
    'comm = "(sd-pam) or so"': 'comm = (sd-pam) or so',
    'comm = a\\ b': 'comm = a b',
    'uid = 1000': 'uid = 1000',
    'recvq > 0': 'recvq > 0',
    'sendq != 0': 'sendq != 0',
    'netns = 4026531840': 'netns = 4026531840',
    // states among the conditions
    'sport 1 state listening': '(local *:1 and state 0x400)',
    'sport 1 or state CLOSE_WAIT': '(local *:1 or state 0x100)',
    'not state listening': 'not state 0x400',
    'sport 1 exclude listening': '(local *:1 and not state 0x400)',
    'sport 1 excl bucket': '(local *:1 and not state 0x1048)',
    '( state close-wait or state fin-wait-2 ) and dport = :80':
      '((state 0x100 or state 0x20) and remote *:80)',
    // those in front of an `or` are conditions too; several still add up
    'state close-wait or state fin-wait-2': '(state 0x100 or state 0x20)',
    'state close-wait state last-ack || sport 1 sport 2':
      '((state 0x300 or local *:1) and local *:2)',
    // those in front of an `and`, or of nothing, hold for all that follows
    'state close-wait and sport 1': 'local *:1',
    'state close-wait & sport 1 or sport 2': '(local *:1 or local *:2)',
    'state close-wait && not sport 1': 'not local *:1',
    // connectives; ss takes `and` and `or` from left to right
    'sport 1 or sport 2 and sport 3': '((local *:1 or local *:2) and local *:3)',
    'sport 1 and sport 2 or sport 3': '((local *:1 and local *:2) or local *:3)',
    'sport 1 sport 2 | sport 3 || sport 4': '((local *:1 and local *:2) or local *:3 or local *:4)',
    'not sport 1 and sport 2': '(not local *:1 and local *:2)',
    '! ( sport 1 & dport 2 ) && dport 3': '(not (local *:1 and remote *:2) and remote *:3)',
    'sport 1 or ( sport 2 and sport 3 )': '(local *:1 or (local *:2 and local *:3))',
    'not not autobound': 'not not autobound',
    // spaces are needed by ss only
    '(dport=:80||!sport>=443)': '(remote *:80 or not local >= 443)',
  };
  for (const [text, meaning] of Object.entries(cases)) {
    test(`'${text}' as '${meaning}'`, () => {
      expect(show(expressionOf(text))).toBe(meaning);
    });
  }
});

test('parseFilter() reads states and their groups in every spelling, before the expression', () => {
  const cases: Readonly<Record<string, number | null>> = {
    '': null,
    'sport = :80': null,
    'state close-wait': 0x100,
    'state CLOSE_WAIT': 0x100,
    'state CloseWait sport = :80': 0x100,
    'state established state listening': 0x402,
    'state listen': 0x400,
    'state estab': 0x002,
    'state syn-received': 0x1008,
    'state fin-wait-1 state FIN_WAIT2': 0x030,
    'state all': ALL_STATES_MASK,
    'state closed': 0x2080,
    'state bound-inactive': 0x2000,
    'state connected': 0x1b7f & ~0x400,
    'state synchronized': 0x1b7f & ~0x404,
    'state bucket': 0x1048,
    'state big': ALL_STATES_MASK & ~0x1048,
    'exclude listening': ALL_STATES_MASK & ~0x400,
    'excl listening exclude time-wait': ALL_STATES_MASK & ~0x440,
    'state all exclude close-wait': ALL_STATES_MASK & ~0x100,
    'state connected exclude established': 0x1b7f & ~0x402,
    'state close-wait and sport = :80': 0x100,
    'state close-wait state last-ack & sport = :80 or sport = :81': 0x300,
    'state close-wait or sport = :80': null,
    'sport = :80 state close-wait': null,
    '( state close-wait )': null,
  };
  for (const [text, states] of Object.entries(cases)) {
    expect(parseFilter(text, names).states, text).toBe(states);
  }
});

test('parseFilter() gives every node the position where it starts', () => {
  const text = 'state all sport = :1 or ( not dst ::1 )';
  const or = expressionOf(text);
  if (or.kind !== 'or') throw new Error(or.kind);
  expect(or.position).toBe(text.indexOf('sport'));
  expect(or.operands.map(({ position }) => position)).toEqual([
    text.indexOf('sport'),
    text.indexOf('not'),
  ]);
});

describe('parseFilter() says what is wrong and where', () => {
  const cases: readonly (readonly [text: string, position: number, message: string])[] = [
    ['state closewait2', 6, "unknown state 'closewait2'. Did you mean close-wait?"],
    ['state xyzzy', 6, "unknown state 'xyzzy'. The states are established"],
    ['state', 5, 'state needs a value'],
    ['state established exclude established', 18, 'no state is left'],
    ['sport = :80 exclude listenin', 20, "unknown state 'listenin'. Did you mean listening"],
    ['sport = :80 exclude', 19, 'exclude needs a value'],
    ['sport = :80 exclude all', 12, 'no state is left'],
    ['state close-wait and state fin-wait-2', 21, "join states with 'or'"],
    ['sport 1 state closing state big exclude closing', 32, "join states with 'or'"],
    ['state close-wait and sport 1 or state fin-wait-2', 32, 'this state never comes'],
    ['state close-wait and', 20, "'and' needs a condition behind it"],
    ['state close-wait or', 19, "'or' needs a condition behind it"],
    ['state close-wait and or sport 1', 21, "'or' stands where a condition is needed"],
    ['and state close-wait', 0, "'and' stands where a condition is needed"],
    ['close-wait', 0, "write 'state close-wait'"],
    ['sporf = :80', 0, "unknown condition 'sporf'. Did you mean sport"],
    [
      'qqqqqq = 1',
      0,
      "unknown condition 'qqqqqq'. Conditions begin with state, exclude, excl, src",
    ],
    ['dst example.com', 4, "'example.com' is not a numeric address: names are not looked up"],
    ['dst fe80::1%eth0', 4, 'has a zone'],
    ['dst 10.0.0.0/33', 4, "'/33' is no prefix length: write / and 0 to 32"],
    ['dst 10.0.0.0/255.0.255.0', 4, 'is no prefix length'],
    ['dst 010.0.0.1', 4, 'is not a numeric address'],
    ['dst [::1', 4, "write '[::1' as [ADDRESS]:PORT"],
    ['dst inet6:10.0.0.1', 4, 'is not an address of family inet6'],
    ['src unix:/tmp/x', 4, "'unix:' is no TCP family"],
    ['dst < 10.0.0.1', 4, "dst cannot be compared with '<': use = or !="],
    ['dport = :nosuch', 8, "unknown service 'nosuch'"],
    ['dport = :65536', 8, 'ports are 0 to 65535'],
    ['dport = 10.0.0.1:80', 8, 'is not a port: compare addresses with src or dst'],
    ['dport >= :*', 9, "'>=' needs a port"],
    ['dport', 5, 'dport needs a value, for example: dport = :443'],
    ['dport = and', 8, 'dport needs a value'],
    ['dev nope0', 4, "unknown device 'nope0'"],
    ['fwmark 1/2/3', 7, "'1/2/3' is not a mark"],
    ['cgroup nope', 7, "unknown cgroup 'nope'"],
    ['age 5m', 4, 'age needs an order'],
    ['age = 5m', 4, "age cannot be compared with '='"],
    ['age > 5', 6, "'5' is not a duration"],
    ['pid = node', 6, "'node' is not a number"],
    ['pid ~ 8', 4, "pid cannot be compared with '~'"],
    ['comm = "x', 7, 'this quote is not closed'],
    ['( sport = :80', 0, 'this ( is not closed'],
    ['sport = :80 )', 12, 'this ) closes nothing'],
    ['sport = :80 and', 15, "'and' needs a condition behind it"],
    ['sport = :80 or or sport = :81', 15, "'or' stands where a condition is needed"],
    ['()', 1, "')' stands where a condition is needed"],
    ['not', 3, 'the end stands where a condition is needed'],
    ['= 5', 0, "'=' stands where a condition is needed"],
    ['('.repeat(1000), 65, 'more than 64 levels'],
    ['not '.repeat(1000), 260, 'more than 64 levels'],
    ['autobound and autobound or '.repeat(1000), 888, 'more than 64 levels'],
  ];
  for (const [text, position, message] of cases) {
    test(`in '${text.slice(0, 40)}': ${message}`, () => {
      const error = errorOf(text);
      expect(error?.message).toContain(message);
      expect(error?.position).toBe(position);
    });
  }
});

const PIECES = [
  ...'state exclude src dst sport dport dev fwmark cgroup age pid comm uid autobound'.split(' '),
  ...'and or not ! ( ) = != < ~ !~ & || close-wait'.split(' '),
  ...':80 [::1] [ ]: 10/8 :: inet6: 5m 7 " \' \\'.split(' '),
];

test('parseFilter() throws nothing but FilterError, with a position inside the text, whatever it is given', () => {
  const piece = fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 6 }));
  const text = fc
    .array(fc.tuple(piece, fc.constantFrom(' ', '', '\t')), { maxLength: 30 })
    .map((pieces) => pieces.flat().join(''));
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (text) => {
      const { position, message } = errorOf(text) ?? { position: 0, message: '' };
      expect(position).toBeGreaterThanOrEqual(0);
      expect(position).toBeLessThanOrEqual(text.length);
      expect(message).not.toMatch(/\p{Cc}/u);
    }),
    { numRuns: 2000 },
  );
});

test('parseFilter() reads 100,000 conditions side by side', () => {
  const expression = expressionOf('sport = :80 or '.repeat(99_999).concat('sport = :80'));
  expect(expression.kind === 'or' && expression.operands.length).toBe(100_000);
});
