import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress } from '@lastack/core';
import { putIpv4, putIpv6, putNumber, putSpaces } from './bytes.ts';

const buffer = new Uint8Array(256);
const text = (end: number) => Buffer.from(buffer.subarray(0, end)).toString('latin1');

test('putNumber() writes every unsigned 32-bit number as String() does', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), (value) => {
      expect(text(putNumber(buffer, 0, value))).toBe(String(value));
    }),
  );
});

test('putIpv4() writes what formatAddress() writes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
      const [word] = new Uint32Array(bytes.slice().buffer);
      expect(text(putIpv4(buffer, 0, word))).toBe(formatAddress(bytes));
    }),
  );
});

test('putIpv6() writes what formatAddress() writes', () => {
  const byte = fc.oneof(fc.constantFrom(0, 0, 0, 255), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(fc.array(byte, { minLength: 16, maxLength: 16 }), (array) => {
      const bytes = Uint8Array.from(array);
      const words = new Uint32Array(bytes.slice().buffer);
      expect(text(putIpv6(buffer, 0, words, 0))).toBe(formatAddress(bytes));
    }),
    { numRuns: 5000 },
  );
});

test('putSpaces() fills up to a position, and writes one space behind it', () => {
  expect(text(putSpaces(buffer, 0, 3))).toBe('   ');
  expect(putSpaces(buffer, 5, 3)).toBe(6);
});
