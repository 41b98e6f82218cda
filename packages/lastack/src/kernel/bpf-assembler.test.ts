import { expect, test } from 'vitest';
import {
  add,
  assemble,
  call,
  exit,
  jumpIf,
  label,
  load,
  move,
  networkToHost16,
  or,
  set,
  shiftLeft,
  store,
  type BpfStep,
} from './bpf-assembler.ts';

function encode(...steps: BpfStep[]): string {
  return Buffer.from(assemble(steps)).toString('hex');
}

test('assemble() encodes each instruction as clang does', () => {
  const known: readonly (readonly [BpfStep, string])[] = [
    [move(6, 1), 'bf16000000000000'], // r6 = r1
    [set(0, 0), 'b700000000000000'], // r0 = 0
    [set(3, -1), 'b7030000ffffffff'], // r3 = -1
    [add(2, -16), '07020000f0ffffff'], // r2 += -16
    [or(1, 2), '4f21000000000000'], // r1 |= r2
    [shiftLeft(1, 16), '6701000010000000'], // r1 <<= 16
    [networkToHost16(1), 'dc01000010000000'], // r1 = be16 r1
    [load(1, 1, 2, 4), '7121040000000000'], // r1 = *(u8 *)(r2 + 4)
    [load(2, 1, 2, 4), '6921040000000000'], // r1 = *(u16 *)(r2 + 4)
    [load(4, 1, 2, 4), '6121040000000000'], // r1 = *(u32 *)(r2 + 4)
    [load(8, 7, 6, 24), '7967180000000000'], // r7 = *(u64 *)(r6 + 24)
    [store(4, 10, -16, 1), '631af0ff00000000'], // *(u32 *)(r10 - 16) = r1
    [store(8, 10, -8, 1), '7b1af8ff00000000'], // *(u64 *)(r10 - 8) = r1
    [call(127), '850000007f000000'], // call bpf_seq_write
    [exit(), '9500000000000000'],
  ];
  for (const [step, hex] of known) expect(encode(step)).toBe(hex);
});

test('assemble() resolves labels before and after the jump', () => {
  const code = encode(
    label('start'),
    jumpIf(7, '==', 0, 'out'),
    jumpIf(1, '!=', 10, 'start'),
    label('out'),
    exit(),
  );
  expect(code).toBe('15070100000000005501feff0a0000009500000000000000');
});

test('assemble() refuses labels that are missing or doubled', () => {
  expect(() => encode(jumpIf(0, '==', 0, 'nowhere'))).toThrow('BPF label nowhere is missing');
  expect(() => encode(label('here'), label('here'))).toThrow('BPF label here is set twice');
});

test('assemble() refuses numbers that the encoding would cut', () => {
  expect(() => encode(load(8, 1, 2, 32_768))).toThrow('32768 does not fit 16 bits');
  expect(() => encode(set(0, 2 ** 31))).toThrow('2147483648 does not fit 32 bits');
  expect(() => encode(set(0, 0.5))).toThrow(RangeError);
});
