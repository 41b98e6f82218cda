import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress, parseAddress } from './address.ts';

test('formatAddress() writes what inet_ntop writes', () => {
  const cases = {
    '::': new Uint8Array(16),
    '::1': Uint8Array.from([...Array<number>(15).fill(0), 1]),
    '10.0.3.7': Uint8Array.from([10, 0, 3, 7]),
    '::ffff:1.2.3.4': Uint8Array.from([...Array<number>(10).fill(0), 255, 255, 1, 2, 3, 4]),
    'fe80::1:0:0:1': Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]),
    '2001:db8:0:1:1:1:1:1': Uint8Array.from([
      0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
    ]),
  };
  for (const [text, bytes] of Object.entries(cases)) expect(formatAddress(bytes)).toBe(text);
});

test('parseAddress() reads back every address that formatAddress() writes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc
      .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
      .map((array) => Uint8Array.from(array)),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      expect(parseAddress(formatAddress(bytes))).toEqual(bytes);
    }),
  );
});

test('parseAddress() rejects what is no address', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    'g::',
    '1:2:3:4:5:6:7:8:9',
    ':1',
  ]) {
    expect(parseAddress(text), text).toBeNull();
  }
});
