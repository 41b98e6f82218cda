import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSnmp, parseSockstat, readCounters } from './counters.ts';
import { isClear } from './testing/is-clear.ts';

/** Captured on Linux 6.18.44, shortened. */
const SNMP = `IcmpMsg: InType3
IcmpMsg: 1
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens
Tcp: 1 200 120000 -1 46 2
`;
const SOCKSTAT = `sockets: used 13
TCP: inuse 1 orphan 0 tw 3 alloc 1 mem 217
UDPLITE: inuse 0
`;

const NSTAT = 'nstat';

test('parseSnmp() names counters as nstat does', () => {
  expect(parseSnmp(SNMP)).toMatchObject({
    value: { IcmpMsgInType3: 1, TcpMaxConn: -1, TcpActiveOpens: 46, TcpPassiveOpens: 2 },
  });
});

test('parseSockstat() names values by protocol', () => {
  expect(parseSockstat(SOCKSTAT)).toEqual({
    kind: 'ok',
    value: {
      SockstatSocketsUsed: 13,
      SockstatTcpInuse: 1,
      SockstatTcpOrphan: 0,
      SockstatTcpTw: 3,
      SockstatTcpAlloc: 1,
      SockstatTcpMem: 217,
      SockstatUdpliteInuse: 0,
    },
  });
});

test('the counter parsers take any text for numbers or say why not', () => {
  const tokens = fc.constantFrom(
    ' ',
    '\n',
    'Tcp:',
    'TCP:',
    'A',
    'inuse',
    '1',
    '-1',
    '__proto__',
    'x',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(tokens).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (text) => {
      expect(isClear(parseSnmp(text), 'snmp')).toBe(true);
      expect(isClear(parseSockstat(text), 'sockstat')).toBe(true);
    }),
  );
});

test('readCounters() gives the counters of this namespace, as nstat does', (ctx) => {
  const counters = readCounters('/proc/self/net');
  if (counters.kind !== 'ok') throw new Error(counters.reason);
  expect(counters.value).toMatchObject({
    TcpActiveOpens: expect.any(Number),
    TcpExtListenOverflows: expect.any(Number),
    SockstatTcpOrphan: expect.any(Number),
  });
  let text = '';
  try {
    text = execFileSync(NSTAT, ['-asz'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    ctx.skip('nstat does not run here: install iproute2');
  }
  for (const [, name] of text.matchAll(/^((?:Tcp|TcpExt|IpExt)[A-Z]\w+) /gm)) {
    expect(counters.value).toHaveProperty(name);
  }
});

test('readCounters() says which file is missing', () => {
  expect(readCounters('/proc/99999999/net')).toMatchObject({
    kind: 'unavailable',
    reason: 'there is no /proc/99999999/net/snmp',
  });
});
