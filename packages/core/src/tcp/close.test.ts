import { expect, test } from 'vitest';
import { startAccepted, startScript } from '../../test/tcp-script.ts';

// The event sequences of google/packetdrill, gtests/net/tcp/close: what Linux does, segment by segment.

function connected() {
  const script = startScript();
  script.connect();
  expect(script.sent()).toEqual(['S 0:0(0)']);
  script.receive('S. 0:0(0) ack 1');
  expect(script.sent()).toEqual(['. 1:1(0) ack 1']);
  return script;
}

test('local close, then remote FIN: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT', () => {
  const script = connected();
  script.write(1000);
  expect(script.sent()).toEqual(['P. 1:1001(1000) ack 1']);
  script.receive('. 1:1(0) ack 1001');
  script.close();
  expect(script.sent()).toEqual(['F. 1001:1001(0) ack 1']);
  script.receive('. 1:1(0) ack 1002');
  script.receive('F. 1:1(0) ack 1002');
  expect(script.sent()).toEqual(['. 1002:1002(0) ack 2']);
  expect(script.states).toEqual([
    'SYN-SENT',
    'ESTABLISHED',
    'FIN-WAIT-1',
    'FIN-WAIT-2',
    'TIME-WAIT',
  ]);
});

test('remote FIN, then close: CLOSE-WAIT, LAST-ACK, and nothing is remembered', () => {
  const script = startAccepted();
  script.receive('F. 1:1(0) ack 1');
  expect(script.sent()).toEqual(['. 1:1(0) ack 2']);
  expect(script.read(1000)).toBe(0);
  script.close();
  expect(script.sent()).toEqual(['F. 1:1(0) ack 2']);
  script.receive('. 2:2(0) ack 2');
  script.receive('. 2:2(0) ack 2');
  expect(script.sent()).toEqual(['R 2:2(0)']);
  expect(script.states).toEqual(['CLOSE-WAIT', 'LAST-ACK', 'CLOSED']);
});

test('close in SYN-SENT sends no RST; the late SYN ACK gets one', () => {
  const script = startScript();
  script.connect();
  script.sent();
  script.close();
  expect(script.sent()).toEqual([]);
  expect(script.states).toEqual(['SYN-SENT', 'CLOSED']);
  script.receive('S. 0:0(0) ack 1');
  expect(script.sent()).toEqual(['R 1:1(0)']);
});

test('close with unread data sends a RST, and the letter of the RFC a FIN', () => {
  const script = startAccepted();
  script.receive('P. 1:11(10) ack 1');
  script.sent();
  script.close();
  expect(script.sent()).toEqual(['R. 1:1(0) ack 11']);
  expect(script.states).toEqual(['CLOSED']);

  const strict = startAccepted({ resetOnUnreadClose: false });
  strict.receive('P. 1:11(10) ack 1');
  strict.sent();
  strict.close();
  expect(strict.sent()).toEqual(['F. 1:1(0) ack 11']);
});

test('data after close is answered with a RST', () => {
  const script = startAccepted();
  script.close();
  script.receive('. 1:1(0) ack 2');
  script.sent();
  script.receive('P. 1:11(10) ack 2');
  expect(script.sent()).toEqual(['R. 2:2(0) ack 1']);
  expect(script.states).toEqual(['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSED']);
});

test('both close at once: CLOSING, then TIME-WAIT', () => {
  const script = startAccepted();
  script.close();
  script.receive('F. 1:1(0) ack 1');
  expect(script.sent()).toEqual(['F. 1:1(0) ack 1', '. 2:2(0) ack 2']);
  script.receive('. 2:2(0) ack 2');
  expect(script.states).toEqual(['FIN-WAIT-1', 'CLOSING', 'TIME-WAIT']);
});

test('FIN and ACK of FIN in one segment lead through FIN-WAIT-2 to TIME-WAIT', () => {
  const script = startAccepted();
  script.close();
  script.receive('F. 1:1(0) ack 2');
  expect(script.states).toEqual(['FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT']);
});

test('TIME-WAIT answers the FIN again, starts again, and ends after 60 s', () => {
  const script = startAccepted();
  script.close();
  script.receive('F. 1:1(0) ack 2');
  script.sent();
  script.wait(59_000);
  script.receive('F. 1:1(0) ack 2');
  expect(script.sent()).toEqual(['. 2:2(0) ack 2']);
  script.wait(59_000);
  expect(script.tcb().state).toBe('TIME-WAIT');
  script.wait(1000);
  expect(script.tcb().state).toBe('CLOSED');
});

test('the FIN is sent again, twice as late each time, until an orphan is given up', () => {
  const script = startAccepted({ orphanRetries: 3 });
  script.close();
  expect(script.sent()).toEqual(['F. 1:1(0) ack 1']);
  script.wait(1000);
  script.wait(2000);
  script.wait(4000);
  expect(script.sent()).toEqual(['F. 1:1(0) ack 1', 'F. 1:1(0) ack 1', 'F. 1:1(0) ack 1']);
  script.wait(8000);
  expect(script.states).toEqual(['FIN-WAIT-1', 'CLOSED']);
});

test('FIN-WAIT-2 ends after 60 s when nobody holds it, and never when a program does', () => {
  const orphan = startAccepted();
  orphan.close();
  orphan.receive('. 1:1(0) ack 2');
  orphan.wait(60_000);
  expect(orphan.states).toEqual(['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSED']);

  const held = startAccepted();
  held.shutdown('WR');
  held.receive('. 1:1(0) ack 2');
  held.wait(86_400_000);
  expect(held.tcb().state).toBe('FIN-WAIT-2');
});

test('the user time-out ends a connection whose peer is silent', () => {
  const script = startAccepted({ userTimeout: 5000 });
  script.write(100);
  script.wait(20_000);
  expect(script.tcb().error).toBe('ETIMEDOUT');
  expect(script.states).toEqual(['CLOSED']);
});

test('abort() sends a RST and forgets what was queued', () => {
  const script = startAccepted({}, 10);
  script.write(1000);
  script.sent();
  script.abort();
  expect(script.sent()).toEqual(['R. 11:11(0) ack 1']);
  expect(script.states).toEqual(['CLOSED']);
});

test('abort() in SYN-SENT, CLOSING and LAST-ACK is silent (RFC 9293 §3.10.5)', () => {
  const calling = startScript();
  calling.connect();
  const closing = startAccepted();
  closing.close();
  closing.receive('F. 1:1(0) ack 1');
  const last = startAccepted();
  last.receive('F. 1:1(0) ack 1');
  last.close();
  for (const script of [calling, closing, last]) {
    script.sent();
    script.abort();
    expect(script.sent()).toEqual([]);
    expect(script.tcb().state).toBe('CLOSED');
  }
});

test('a RST: refused in SYN-SENT, reset when open, EPIPE in CLOSE-WAIT', () => {
  const refused = startScript();
  refused.connect();
  refused.receive('R. 0:0(0) ack 1');
  expect(refused.tcb().error).toBe('ECONNREFUSED');

  const open = startAccepted();
  open.receive('R. 1:1(0) ack 1');
  expect(open.tcb().error).toBe('ECONNRESET');

  const half = startAccepted();
  half.receive('F. 1:1(0) ack 1');
  half.receive('R. 2:2(0) ack 1');
  expect(half.tcb().error).toBe('EPIPE');
});

test('a RST that is in the window and not exact is challenged (RFC 5961)', () => {
  const script = startAccepted();
  script.receive('R. 50:50(0) ack 1');
  expect(script.sent()).toEqual(['. 1:1(0) ack 1']);
  expect(script.tcb().state).toBe('ESTABLISHED');
});

test('two SYNs that cross open one connection (RFC 9293 figure 7)', () => {
  const script = startScript();
  script.connect();
  script.receive('S 0:0(0)');
  expect(script.sent()).toEqual(['S 0:0(0)', 'S. 0:0(0) ack 1']);
  script.receive('S. 0:0(0) ack 1');
  script.receive('. 1:1(0) ack 1');
  expect(script.states).toEqual(['SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED']);
});

test('a port without listener refuses with the numbers of RFC 9293 §3.10.7.1', () => {
  const script = startScript();
  script.receive('S 0:0(0)');
  expect(script.sent()[0]).toMatch(/^R\. -?\d+:-?\d+\(0\) ack 1$/);
});

test('SYN-RECEIVED: an ACK of another connection is answered by a RST (RFC 9293 §3.10.7.4, fifth)', () => {
  const script = startScript({}, true);
  script.receive('S 0:0(0)');
  expect(script.sent()).toEqual(['S. 0:0(0) ack 1']);
  script.receive('. 1:1(0) ack 0');
  expect(script.sent()).toEqual(['R 0:0(0)']);
  expect(script.states).toEqual(['SYN-RECEIVED']);
});
