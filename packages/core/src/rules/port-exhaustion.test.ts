import { expect, test } from 'vitest';
import { evidenceOf, processOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { diagnose } from './diagnose.ts';
import { portExhaustion } from './port-exhaustion.ts';

const settings = {
  'net.ipv4.ip_local_port_range': '40000 40099',
  'net.ipv4.tcp_tw_reuse': '2',
  'net.ipv4.tcp_timestamps': '1',
};
const REDIS = '10.0.0.9:6379';

function connections(count: number, more: Partial<SocketSpec> = {}, from = 40_000): SocketSpec[] {
  return Array.from({ length: count }, (_, at) => ({
    state: 'ESTABLISHED',
    local: `10.0.0.5:${from + at}`,
    remote: REDIS,
    ...more,
  }));
}

function timeWaits(count: number, ageMs = 30_000, more: Partial<SocketSpec> = {}): SocketSpec[] {
  const spec = { timer: 'time-wait', expires: 60_000 - ageMs, inode: 0 } as const;
  return connections(count, { state: 'TIME-WAIT', ...spec, ...more });
}

function judge(sockets: readonly SocketSpec[], spec: EvidenceSpec = {}) {
  const owners = sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 }));
  const evidence = evidenceOf({
    sockets,
    owners,
    settings,
    processes: [processOf({ pid: 7 })],
    ...spec,
  });
  return diagnose(evidence, [portExhaustion]).findings;
}

test('port-exhaustion counts the ports of one source to one destination, and who has them', () => {
  const [finding, ...rest] = judge([
    ...connections(55),
    ...connections(20, { remote: '10.0.0.8:80' }),
  ]);
  expect(rest).toEqual([]);
  expect(finding).toMatchObject({
    severity: 'warning',
    title: '55 of 100 local ports from 10.0.0.5 to 10.0.0.9:6379 are in use (55 %)',
    sockets: 55,
    peers: [{ peer: REDIS, count: 55 }],
  });
  expect(finding.owners[0].fds.length).toBe(55);
});

test.each([
  [49, undefined],
  [50, 'warning'],
  [89, 'warning'],
  [90, 'critical'],
])('port-exhaustion judges %i of 100 ports as %s', (count, severity) => {
  expect(judge(connections(count))[0]?.severity).toBe(severity);
});

test('port-exhaustion counts TIME-WAITs, and says what rate the range allows', () => {
  const [finding] = judge([...timeWaits(60), ...connections(10, {}, 40_060)]);
  expect(finding).toMatchObject({ severity: 'warning', sockets: 70 });
  expect(finding.why).toContain('10 by connections that are open or closing, 60 by TIME-WAITs');
  expect(finding.why).toContain('tcp_tw_reuse is 2, so no TIME-WAIT of this destination is reused');
  expect(finding.why).toContain('about 1 connection a second');
});

test('port-exhaustion leaves out TIME-WAITs that tcp_tw_reuse gives away', () => {
  const reuse = { settings: { ...settings, 'net.ipv4.tcp_tw_reuse': '1' } };
  expect(judge(timeWaits(99), reuse)).toEqual([]);
  expect(judge(timeWaits(60, 500), reuse).length).toBe(1);
});

test('port-exhaustion knows that tcp_tw_reuse needs time stamps', () => {
  const more = { 'net.ipv4.tcp_tw_reuse': '1', 'net.ipv4.tcp_timestamps': '0' };
  expect(judge(timeWaits(99), { settings: { ...settings, ...more } }).length).toBe(1);
});

test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]'])(
  'port-exhaustion is silent about TIME-WAITs on loopback, which are reused by default: %s',
  (address) => {
    const sockets = timeWaits(99).map((spec, at) => {
      return { ...spec, local: `${address}:${40_000 + at}`, remote: `${address}:80` };
    });
    expect(judge(sockets)).toEqual([]);
  },
);

test('port-exhaustion takes an IPv4-mapped address for the IPv4 address', () => {
  const mapped = connections(30, { remote: `[::ffff:10.0.0.9]:6379` }, 40_030).map((spec, at) => {
    return { ...spec, local: `[::ffff:10.0.0.5]:${40_030 + at}` };
  });
  expect(judge([...connections(30), ...mapped])[0].sockets).toBe(60);
});

test('port-exhaustion tells IPv6 destinations apart', () => {
  const to = (host: string) =>
    Array.from({ length: 40 }, (_, at) => {
      const local = `[2001:db8::5]:${40_000 + at}`;
      return { state: 'ESTABLISHED', local, remote: `[2001:db8::${host}]:80` } as const;
    });
  expect(judge([...to('8'), ...to('9')])).toEqual([]);
});

test('port-exhaustion is silent about a server, whose local port is one, and about other ranges', () => {
  const clients = Array.from({ length: 99 }, (_, at): SocketSpec => {
    return { state: 'ESTABLISHED', local: '10.0.0.5:40000', remote: `10.0.0.9:${1024 + at}` };
  });
  expect(judge(clients)).toEqual([]);
  expect(judge([{ state: 'LISTEN', local: '0.0.0.0:40000' }, ...clients])).toEqual([]);
  expect(judge(connections(99, {}, 20_000))).toEqual([]);
});

test('port-exhaustion leaves reserved ports out of the range', () => {
  const reserved = { 'net.ipv4.ip_local_reserved_ports': '40000-40049,40099' };
  const [finding] = judge(connections(75), { settings: { ...settings, ...reserved } });
  expect(finding.title).toContain('25 of 49 local ports');
});

test('port-exhaustion leaves other network namespaces to their own settings, and says so', () => {
  const sockets = connections(99, { netns: 2 });
  const { findings, unknown } = diagnose(evidenceOf({ sockets, settings, otherNetns: [2] }), [
    portExhaustion,
  ]);
  expect(findings).toEqual([]);
  expect(unknown).toMatchObject([
    { reason: 'the counters and settings of another network namespace were not read' },
  ]);
});

test('port-exhaustion recognises bind() before connect(): more ports than one parity, none used twice', () => {
  const bound = [0, 1, 2].flatMap((host) => {
    return connections(21, { remote: `10.0.1.${host}:80` }, 40_000 + 21 * host);
  });
  const [finding, ...rest] = judge(bound);
  expect(rest).toEqual([]);
  expect(finding.severity).toBe('warning');
  expect(finding.title).toBe(
    '63 of 100 local ports of 10.0.0.5 are in use, each for one of 3 destinations only (63 %)',
  );
});

test('port-exhaustion is silent about many destinations that share the ports', () => {
  const shared = [0, 1, 2].flatMap((host) => connections(45, { remote: `10.0.1.${host}:80` }));
  expect(judge(shared)).toEqual([]);
});
