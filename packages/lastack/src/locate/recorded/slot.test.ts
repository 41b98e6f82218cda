import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSlot } from './slot.ts';

const TEXT = 'connect\n/app/a.js\t12\tmain\nnode:net\t1\tconnect\n/app/a.js\t12\tmain';

test('parseSlot() reads kind, own line and stack', () => {
  expect(parseSlot(slotOf(77, TEXT), 77)).toEqual({
    kind: 'connect',
    own: { file: '/app/a.js', line: 12, function: 'main' },
    frames: [
      { file: 'node:net', line: 1, function: 'connect' },
      { file: '/app/a.js', line: 12, function: 'main' },
    ],
  });
});

test('parseSlot() reads the column of a line that may have a source map', () => {
  expect(parseSlot(slotOf(7, 'accept\n/a.js\t3:14\tf'), 7)?.own).toEqual({
    file: '/a.js',
    line: 3,
    function: 'f',
    column: 14,
  });
});

test('parseSlot() rejects the slot of another socket, and one that is half written', () => {
  const slot = slotOf(77, TEXT);
  expect(parseSlot(slot, 78)).toBeNull();
  expect(parseSlot(slot.subarray(0, -1), 77)).toBeNull();
  expect(parseSlot(slot.fill(0, slot.length - 8), 77)).toBeNull();
  expect(parseSlot(Buffer.alloc(2048), 0)).toBeNull();
});

test('parseSlot() drops a frame that was cut off, and what a terminal would obey', () => {
  const stack = parseSlot(slotOf(1, 'accept\n/a\u001B[2J\t1\tf\u202E\n/b\t2\tg\n/cut'), 1);
  expect(stack?.own).toEqual({ file: '/a\uFFFD[2J', line: 1, function: 'f\uFFFD' });
  expect(stack?.frames).toHaveLength(1);
});

test('parseSlot() takes any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2048 }), fc.nat(), (bytes, inode) => {
      expect(() => parseSlot(Buffer.from(bytes), inode)).not.toThrow();
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseSlot(slotOf(5, text), 5)).not.toThrow();
    }),
  );
});

function slotOf(inode: number, text: string): Buffer {
  const name = Buffer.alloc(8);
  name.writeBigUInt64LE(BigInt(inode));
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([name, length, bytes, name]);
}
