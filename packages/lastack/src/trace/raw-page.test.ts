import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress, stateOfKernel } from '@lastack/core';
import { parseEventFormat } from './event-format.ts';
import { RawEventRecord, STATE_EVENT_FIELDS } from './raw-event-record.ts';
import { walkRawPage } from './raw-page.ts';

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const FORMAT_TEXT = fixture('linux-6.18-inet_sock_set_state.format').toString();
/** Linux 6.18: a connection on ::1 and one on 127.0.0.1, to port 9077, both ends in one thread. */
const PAGE = fixture('linux-6.18-state-changes.page');

function wordsOf(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}

function placesIn(words: Uint32Array): { places: number[]; times: number[]; lost: number } {
  const places: number[] = [];
  const times: number[] = [];
  const lost = walkRawPage(words, (at, ns) => {
    places.push(at);
    times.push(ns);
  });
  return { places, times, lost };
}

test('parseEventFormat() reads where the fields of an event are', () => {
  const format = parseEventFormat(FORMAT_TEXT, STATE_EVENT_FIELDS);
  expect(format?.id).toBeGreaterThan(0);
  expect(format?.offsets).toMatchObject({ common_pid: 4, skaddr: 8, saddr: 32, daddr_v6: 56 });
  expect(parseEventFormat(FORMAT_TEXT, ['sk_cookie'])).toBeNull();
  expect(parseEventFormat('', [])).toBeNull();
});

test('walkRawPage() finds every event of a captured page', () => {
  const format = parseEventFormat(FORMAT_TEXT, STATE_EVENT_FIELDS);
  if (format === null) throw new Error('the format was not read');
  const owner = { pid: 7, command: 'python3' };
  const record = new RawEventRecord(format, 0, { ownerOf: () => owner, refresh() {} });
  const words = wordsOf(PAGE);
  const { places, times, lost } = placesIn(words);
  expect(lost).toBe(0);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const lines = places.map((place, i) => {
    record.moveTo(words, place, times[i]);
    const { from, to, family, localPort, remotePort, addresses } = record;
    const address = formatAddress(new Uint8Array(addresses.buffer, 0, family === 10 ? 16 : 4));
    return `${stateOfKernel(from)} ${stateOfKernel(to)} ${address} ${localPort} ${remotePort}`;
  });
  expect(lines).toHaveLength(24);
  expect(lines[0]).toBe('CLOSED LISTEN ::1 9077 0');
  expect(lines.slice(12, 16)).toEqual([
    'CLOSED LISTEN 127.0.0.1 9077 0',
    'CLOSED SYN-SENT 127.0.0.1 0 9077',
    expect.stringMatching(/^SYN-SENT ESTABLISHED 127\.0\.0\.1 \d+ 9077$/),
    expect.stringMatching(/^LISTEN SYN-RECEIVED 127\.0\.0\.1 9077 \d+$/),
  ]);
  expect(lines.at(-1)).toBe('LISTEN CLOSED 127.0.0.1 9077 0');
});

/** A page with nothing but a header. */
function pageOf(commit: number, ...data: readonly number[]): Uint32Array {
  return Uint32Array.of(1000, 0, commit >>> 0, 0, ...data);
}

test('walkRawPage() counts what the kernel says was lost', () => {
  expect(placesIn(pageOf(0)).lost).toBe(0);
  expect(placesIn(pageOf(0x8000_0000)).lost).toBe(1);
  expect(placesIn(pageOf(0xc000_0000, 42, 0)).lost).toBe(42);
  // The number would stand beyond the page.
  expect(placesIn(pageOf(0xc000_0000)).lost).toBe(1);
});

test('walkRawPage() understands times, padding and long events', () => {
  const extend = [30 | (5 << 5), 1];
  const absolute = [31 | (7 << 5), 2];
  const padding = [29 | (1 << 5), 8, 0];
  const long = [0 | (3 << 5), 8, 99];
  const short = [1 | (2 << 5), 98];
  const data = [...extend, ...short, ...padding, ...absolute, ...long];
  const { places, times } = placesIn(pageOf(4 * data.length, ...data));
  expect(places).toEqual([7, 15]);
  expect(times).toEqual([1000 + 2 ** 27 + 5 + 2, 2 * 2 ** 27 + 7 + 3]);
});

test('walkRawPage() ends on every page, and stays within it', () => {
  fc.assert(
    fc.property(fc.uint32Array({ minLength: 4, maxLength: 1024 }), (words) => {
      let last = 0;
      walkRawPage(words, (at) => {
        expect(at).toBeGreaterThan(last);
        last = at;
      });
      expect(last).toBeLessThanOrEqual(words.length + 1);
    }),
  );
});

test('walkRawPage() ends on a captured page with bytes that are wrong', () => {
  const change = fc.tuple(fc.nat(PAGE.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const bytes = Uint8Array.from(PAGE);
      for (const [at, value] of changes) bytes[at] = value;
      expect(placesIn(wordsOf(bytes)).places.length).toBeLessThanOrEqual(bytes.length / 4);
    }),
  );
});
