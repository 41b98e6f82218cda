import { expect, test } from 'vitest';
import { startAccepted } from '../../test/tcp-script.ts';

// The event sequences of google/packetdrill, gtests/net/tcp/shutdown. Its segments of several MSS (GSO) are single
// ones here, and where it shows a tail-loss probe, which the model leaves out, the retransmission timer does the same later.

test('shutdown(RD), then close: reads end, writes go on', () => {
  const script = startAccepted();
  script.shutdown('RD');
  expect(script.read(1000)).toBe(0);
  expect(script.write(1000)).toBe(1000);
  expect(script.sent()).toEqual(['P. 1:1001(1000) ack 1']);
  script.receive('. 1:1(0) ack 1001');
  script.close();
  expect(script.sent()).toEqual(['F. 1001:1001(0) ack 1']);
  script.receive('. 1:1(0) ack 1002');
  script.receive('F. 1:1(0) ack 1002');
  expect(script.sent()).toEqual(['. 1002:1002(0) ack 2']);
});

test('shutdown(RD), data both ways, shutdown(WR), close: Linux goes on to take and give data', () => {
  const script = startAccepted();
  script.shutdown('RD');
  expect(script.read(1000)).toBe(0);
  script.receive('. 1:1001(1000) ack 1');
  expect(script.sent()).toEqual(['. 1:1(0) ack 1001']);
  expect(script.read(1000)).toBe(1000);
  expect(script.write(1000)).toBe(1000);
  expect(script.sent()).toEqual(['P. 1:1001(1000) ack 1001']);
  script.receive('. 1001:1001(0) ack 1001');
  script.shutdown('WR');
  expect(script.sent()).toEqual(['F. 1001:1001(0) ack 1001']);
  script.receive('. 1001:1001(0) ack 1002');
  expect(script.write(1000)).toBeNull();
  script.close();
  script.receive('F. 1001:1001(0) ack 1002');
  expect(script.sent()).toEqual(['. 1002:1002(0) ack 1002']);
});

test('shutdown(RDWR), then close', () => {
  const script = startAccepted();
  script.shutdown('RDWR');
  expect(script.sent()).toEqual(['F. 1:1(0) ack 1']);
  script.receive('. 1:1(0) ack 2');
  expect(script.read(1000)).toBe(0);
  expect(script.write(1000)).toBeNull();
  script.close();
  script.receive('F. 1:1(0) ack 2');
  expect(script.sent()).toEqual(['. 2:2(0) ack 2']);
  expect(script.states).toEqual(['FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT']);
});

test('shutdown(RDWR) with data in the send queue: the FIN waits behind the last byte', () => {
  const script = startAccepted();
  script.write(20_000);
  expect(script.sent()).toHaveLength(10);
  script.shutdown('RDWR');
  expect(script.sent()).toEqual([]);
  script.receive('. 1:1(0) ack 1001');
  expect(script.sent()).toEqual(['. 10001:11001(1000) ack 1', '. 11001:12001(1000) ack 1']);
  expect(script.read(1000)).toBe(0);
  expect(script.write(1000)).toBeNull();
  script.close();
  script.receive('. 1:1(0) ack 12001');
  script.receive('. 1:1(0) ack 13001');
  const rest = script.sent();
  expect(rest.at(-1)).toBe('FP. 19001:20001(1000) ack 1');
  script.receive('. 1:1(0) ack 20002');
  script.receive('F. 1:1(0) ack 20002');
  expect(script.sent()).toEqual(['. 20002:20002(0) ack 2']);
});

test('shutdown(RDWR) with data sent and not acknowledged: the connection outlives close()', () => {
  const script = startAccepted();
  script.write(10_000);
  expect(script.sent()).toHaveLength(10);
  script.shutdown('RDWR');
  expect(script.sent()).toEqual(['F. 10001:10001(0) ack 1']);
  expect(script.read(1000)).toBe(0);
  expect(script.write(1000)).toBeNull();
  script.close();
  script.receive('. 1:1(0) ack 10001');
  script.wait(2000);
  expect(script.sent()).toContain('F. 10001:10001(0) ack 1');
  script.receive('. 1:1(0) ack 10002');
  script.sent();
  script.receive('F. 1:1(0) ack 10002');
  expect(script.sent()).toEqual(['. 10002:10002(0) ack 2']);
  expect(script.states).toEqual(['FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT']);
});

test('shutdown(WR): the other direction stays open, and after close() its data is refused', () => {
  const script = startAccepted();
  script.shutdown('WR');
  expect(script.sent()).toEqual(['F. 1:1(0) ack 1']);
  script.receive('. 1:1(0) ack 2');
  expect(script.write(1000)).toBeNull();
  script.receive('. 1:1001(1000) ack 2');
  expect(script.sent()).toEqual(['. 2:2(0) ack 1001']);
  expect(script.read(1000)).toBe(1000);
  script.close();
  script.receive('F. 1001:1001(0) ack 2');
  expect(script.sent()).toEqual(['. 2:2(0) ack 1002']);
});
