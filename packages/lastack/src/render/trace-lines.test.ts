import { expect, test } from 'vitest';
import { createSummarizer, type ObservedTransition } from '@lastack/core';
import { ByteWriter } from './byte-writer.ts';
import { plain } from './style.ts';
import { TraceJsonLines } from './trace-json.ts';
import { TraceLines } from './trace-lines.ts';
import { traceSummaryLines } from './trace-text.ts';

const AT = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();

const CONNECT: ObservedTransition = {
  atMs: AT,
  socket: 7,
  netns: 4_026_531_840,
  local: { address: '127.0.0.1', port: 0 },
  remote: { address: '10.0.0.1', port: 443 },
  from: 'CLOSED',
  to: 'SYN-SENT',
  fromMs: null,
  cause: 'connect()',
  process: { pid: 12, command: 'curl' },
  holder: { pid: 12, command: 'curl' },
  closedFirst: null,
  acked: 0,
  received: 0,
  isAllowed: true,
};
const CLOSED: ObservedTransition = {
  ...CONNECT,
  atMs: AT + 994.2,
  socket: 2 ** 33,
  local: { address: 'fe80::1', port: 65_535 },
  from: 'LAST-ACK',
  to: 'CLOSED',
  fromMs: 0.0414,
  cause: 'receive ACK of FIN',
  process: null,
  closedFirst: 'remote',
  acked: 5_000_000_000,
};
const ENDED: ObservedTransition = {
  ...CONNECT,
  from: null,
  to: 'CLOSED',
  netns: null,
  fromMs: null,
  cause: 'unknown',
  process: null,
  holder: null,
  acked: null,
  received: null,
};
const FORBIDDEN: ObservedTransition = {
  ...CONNECT,
  fromMs: 75_000,
  isAllowed: false,
  process: { pid: 1, command: 'a\u001B[31m' },
};
const ALL = [CONNECT, CLOSED, ENDED, FORBIDDEN];

function written(write: (writer: ByteWriter) => void): string {
  let text = '';
  const writer = new ByteWriter((bytes) => (text += new TextDecoder().decode(bytes)));
  write(writer);
  writer.flush();
  return text;
}

test('transitions stand in columns', () => {
  const text = written((writer) => {
    const lines = new TraceLines(writer);
    lines.header(plain);
    for (const each of ALL) lines.line(each);
  });
  expect(text.split('\n')).toMatchInlineSnapshot(`
    [
      "Time          State                           After  Local → remote                                Why                       Process",
      "03:04:05.006  CLOSED → SYN-SENT                   -  127.0.0.1:* → 10.0.0.1:443                    connect()                 curl 12",
      "03:04:06.000  LAST-ACK → CLOSED             0.041ms  [fe80::1]:65535 → 10.0.0.1:443                receive ACK of FIN (peer closed first) (curl 12)",
      "03:04:05.006  ? → CLOSED                          -  127.0.0.1:* → 10.0.0.1:443                    unknown",
      "03:04:05.006  CLOSED → SYN-SENT               1m15s  127.0.0.1:* → 10.0.0.1:443                    FORBIDDEN by RFC 9293     a�[31m 1",
      "",
    ]
  `);
});

test('times turn over with the second, and are padded', () => {
  const times = [AT, AT + 993.9, AT + 994, AT + 60_000 - 5006].map((atMs) =>
    written((writer) => new TraceLines(writer).line({ ...CONNECT, atMs })).slice(0, 12),
  );
  expect(times).toEqual(['03:04:05.006', '03:04:05.999', '03:04:06.000', '03:05:00.000']);
});

test('transitions as JSON say what JSON.stringify() would', () => {
  const text = written((writer) => {
    const lines = new TraceJsonLines(writer, true);
    for (const each of ALL) lines.line(each);
  });
  const expected = ALL.map((each) => ({
    schema: 'lastack.transition/1',
    at: new Date(each.atMs).toISOString(),
    cookie: each.socket,
    netns: each.netns,
    local: each.local,
    remote: each.remote,
    from: each.from,
    to: each.to,
    fromMs: each.fromMs === null ? null : Math.round(each.fromMs * 1000) / 1000,
    pid: each.process?.pid ?? null,
    command: each.process?.command ?? null,
    holder: each.holder,
    bytes: each.acked === null ? null : { acked: each.acked, received: each.received },
    cause: each.cause,
    closedFirst: each.closedFirst,
    allowed: each.isAllowed,
  }));
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(expected);
});

test('numbers that are no cookies are not given as such', () => {
  const line = written((writer) => new TraceJsonLines(writer, false).line(CONNECT));
  expect(JSON.parse(line)).toMatchObject({ cookie: null });
});

test('a summary says what was lost, and that the end of TIME-WAIT is not announced', () => {
  const summary = createSummarizer();
  for (const each of ALL) summary.add(each);
  summary.add({ ...CONNECT, from: 'FIN-WAIT-2', to: 'TIME-WAIT', closedFirst: 'local' });
  expect(traceSummaryLines(summary.result(), 3, plain)).toMatchInlineSnapshot(`
    [
      "5 transitions, 3 lost",
      "1 of them forbidden by RFC 9293",
      "",
      "Changes",
      "            2  CLOSED → SYN-SENT",
      "            1  LAST-ACK → CLOSED",
      "            1  ? → CLOSED",
      "            1  FIN-WAIT-2 → TIME-WAIT",
      "",
      "Time in state        count    median       p99       max",
      "  CLOSED                1     1m15s     1m15s     1m15s",
      "  LAST-ACK              1   0.041ms   0.041ms   0.041ms",
      "",
      "Closed first  here 1, the peer 1",
      "Ended by      receive ACK of FIN 1, unknown 1, connect() 1",
      "",
      "The end of TIME-WAIT is not counted: the kernel does not announce it.",
    ]
  `);
});
