import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diagnose } from '@lastack/core';
import { evidenceOf, processOf } from '../../../core/test/evidence.ts';
import { recordBytes } from './record.ts';
import { ReplayError, parseRecord } from './replay.ts';

const HOUR = 3_600_000;
const info = { lastDataSent: HOUR, lastDataRecv: HOUR, lastAckRecv: HOUR };

const EVIDENCE = evidenceOf({
  sockets: [
    { state: 'CLOSE-WAIT', info },
    { state: 'CLOSE-WAIT', local: '[::1]:80', remote: '[::1]:4000', info },
    { state: 'LISTEN', remote: '0.0.0.0:0' },
  ],
  first: [{ state: 'CLOSE-WAIT', info }],
  owners: [
    { pid: 7, fd: 3, inode: 1 },
    { pid: 7, fd: 4, inode: 2 },
  ],
  processes: [processOf({ pid: 7, runtime: 'node' })],
  counters: { TcpExtListenOverflows: 3 },
  settings: { 'net.ipv4.tcp_fin_timeout': '60' },
});

test('a record leads to the same diagnosis as what was recorded', () => {
  const replayed = parseRecord(recordBytes(EVIDENCE), 'file');
  expect(diagnose(replayed)).toEqual(diagnose(EVIDENCE));
  expect(diagnose(replayed).findings.length).toBeGreaterThan(0);
});

test('a record with a column that is too short is refused', () => {
  const content = contentOf(recordBytes(EVIDENCE));
  content.evidence.sockets.value.last.columns.recvQ.u32 = 'AAAAAA==';
  expect(() => parseRecord(fileOf(content), 'file')).toThrow(/file is broken: .*shorter or longer/);
});

test('a record whose texts would move the cursor is refused', () => {
  const content = contentOf(recordBytes(EVIDENCE));
  content.evidence.host = '\u001B[2J';
  expect(() => parseRecord(fileOf(content), 'file')).toThrow(/evidence.host: control characters/);
});

test('a record of another format is refused with its name', () => {
  const file = fileOf({ ...contentOf(recordBytes(EVIDENCE)), format: 'lastack-record/9' });
  expect(() => parseRecord(file, 'file')).toThrow(/the format lastack-record\/9/);
});

test('garbled records are refused with a clear error, or are whole', () => {
  const text = gunzipSync(recordBytes(EVIDENCE));
  const change = fc.record({ at: fc.nat({ max: text.length - 1 }), value: fc.nat({ max: 255 }) });
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const garbled = Buffer.from(text);
      for (const { at, value } of changes) garbled[at] = value;
      outcomes.add(outcomeOf(gzipSync(garbled, { level: 1 })));
    }),
    { numRuns: 500 },
  );
  outcomes.delete('diagnosed');
  expect([...outcomes]).toEqual(['refused']);
});

test('any bytes at all are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(outcomeOf(bytes)).toBe('refused');
    }),
  );
});

function outcomeOf(file: Uint8Array): string {
  try {
    diagnose(parseRecord(file, 'file'));
    return 'diagnosed';
  } catch (error) {
    return error instanceof ReplayError ? 'refused' : String(error);
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests break the content in ways that no type allows
function contentOf(file: Uint8Array): any {
  return JSON.parse(gunzipSync(file).toString('utf8'));
}

function fileOf(content: unknown): Uint8Array {
  return gzipSync(JSON.stringify(content));
}
