import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBtf, type BtfWanted } from './btf.ts';
import { TASK_FILES_BTF } from './task-files-program.ts';

const KIND_INT = 1;
const KIND_PTR = 2;
const KIND_STRUCT = 4;
const KIND_UNION = 5;
const KIND_TYPEDEF = 8;
const KIND_FUNC = 12;

/** A type: its name, kind, size or type, and members as [name, type, offset]. */
type Type = readonly [string, number, number, ...(readonly (string | number)[])[]];

function buildBtf(types: readonly Type[], hasSizes = false): Buffer {
  let strings = '\0';
  const place = (name: string): number => {
    if (name === '') return 0;
    const at = strings.indexOf(`\0${name}\0`);
    if (at >= 0) return at + 1;
    strings += `${name}\0`;
    return strings.length - name.length - 1;
  };
  const words: number[] = [];
  for (const [name, kind, size, ...members] of types) {
    const flag = hasSizes && kind === KIND_STRUCT ? 1 : 0;
    words.push(place(name), ((flag << 31) | (kind << 24) | members.length) >>> 0, size);
    if (kind === KIND_INT) words.push(0);
    for (const [name, type, offset] of members) {
      words.push(place(String(name)), Number(type), Number(offset));
    }
  }
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header[2] = 1;
  header.writeUInt32LE(24, 4);
  header.writeUInt32LE(words.length * 4, 12);
  header.writeUInt32LE(words.length * 4, 16);
  header.writeUInt32LE(strings.length, 20);
  const body = Buffer.from(Uint32Array.from(words).buffer);
  return Buffer.concat([header, body, Buffer.from(strings, 'latin1')]);
}

/** `sock` holds a typedef of `common`, which holds the family in an anonymous union in an anonymous struct. */
const SOCK: readonly Type[] = [
  ['u16', KIND_INT, 2], // 1
  ['', KIND_UNION, 8, ['skc_pair', 1, 0], ['skc_family', 1, 16]], // 2
  ['', KIND_STRUCT, 8, ['', 2, 32]], // 3
  ['common', KIND_STRUCT, 16, ['first', 1, 0], ['', 3, 64]], // 4
  ['common_t', KIND_TYPEDEF, 4], // 5
  ['', KIND_PTR, 4], // 6
  ['sock', KIND_STRUCT, 64, ['pointer', 6, 0], ['__sk_common', 5, 64], ['odd', 1, 3]], // 7
  ['bpf_iter_task_file', KIND_FUNC, 0], // 8
];

function offsetOf(path: string, types: readonly Type[] = SOCK, hasSizes = false): number | string {
  const facts = parseBtf(buildBtf(types, hasSizes), { offsets: [path], functions: [] });
  return facts.kind === 'ok' ? facts.value.offsets[path] : facts.reason;
}

describe('parseBtf()', () => {
  test('adds offsets up through typedefs and anonymous members', () => {
    expect(offsetOf('sock.__sk_common')).toBe(8);
    expect(offsetOf('sock.__sk_common.first')).toBe(8);
    expect(offsetOf('sock.__sk_common.skc_family')).toBe(8 + 8 + 4 + 2);
  });

  test('finds the id of a function', () => {
    const facts = parseBtf(buildBtf(SOCK), { offsets: [], functions: ['bpf_iter_task_file'] });
    expect(facts).toMatchObject({ kind: 'ok', value: { functions: { bpf_iter_task_file: 8 } } });
  });

  test('takes the struct that has the member, of several by one name', () => {
    const types: Type[] = [
      ['u16', KIND_INT, 2],
      ['file', KIND_STRUCT, 8, ['other', 1, 0]],
      ['file', KIND_STRUCT, 8, ['f_inode', 1, 32]],
    ];
    types.push(['', KIND_STRUCT, 1, ['f_inode', 1, 0]]);
    expect(offsetOf('file.f_inode', types)).toBe(4);
  });

  test('says what is missing', () => {
    expect(offsetOf('sock.none')).toMatch(/it has no sock\.none$/);
    expect(offsetOf('none.sk')).toMatch(/it has no none\.sk$/);
    const facts = parseBtf(buildBtf(SOCK), { offsets: [], functions: ['none'] });
    expect(facts).toMatchObject({ reason: expect.stringMatching(/it has no function none$/) });
  });

  test('follows no pointer and gives no offset of a bit field', () => {
    expect(offsetOf('sock.pointer.first')).toMatch('it has no sock.pointer.first');
    expect(offsetOf('sock.odd')).toMatch('it has no sock.odd');
    const types: Type[] = [['s', KIND_STRUCT, 4, ['a', 0, 8], ['b', 0, (1 << 24) | 16]]];
    expect(offsetOf('s.a', types, true)).toBe(1);
    expect(offsetOf('s.b', types, true)).toMatch('it has no s.b');
  });

  test('comes to an end in structs and typedefs that contain themselves', () => {
    const types: Type[] = [
      ['loop', KIND_TYPEDEF, 1],
      ['s', KIND_STRUCT, 4, ['', 2, 0], ['', 3, 0], ['', 1, 0]],
      ['', KIND_UNION, 4, ['', 2, 0], ['', 3, 0], ['', 2, 0]],
      ['name', KIND_INT, 4],
    ];
    expect(offsetOf('s.name', types)).toMatch('it has no s.name');
  });

  test('rejects what is cut at any byte', () => {
    const whole = buildBtf(SOCK);
    const wanted = { offsets: ['sock.__sk_common.skc_family'], functions: ['bpf_iter_task_file'] };
    expect(parseBtf(whole, wanted).kind).toBe('ok');
    for (let length = 0; length < whole.length; length++) {
      expect(parseBtf(whole.subarray(0, length), wanted).kind, `${length}`).toBe('unavailable');
    }
  });

  test('survives random bytes behind a valid beginning', () => {
    const wanted = { offsets: ['a.b'], functions: ['a'] };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, asBtf) => {
        if (asBtf && bytes.length > 2) bytes.set([0x9f, 0xeb, 1]);
        expect(parseBtf(bytes, wanted).kind).toBe('unavailable');
      }),
    );
  });

  test('survives changed words in valid BTF', () => {
    const whole = buildBtf(SOCK);
    const wanted: BtfWanted = { offsets: ['sock.__sk_common.skc_family'], functions: [] };
    const change = fc.tuple(
      fc.integer({ min: 0, max: Math.floor(whole.length / 4) - 1 }),
      fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 0xffffffff })),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(whole);
        for (const [word, value] of changes) bytes.writeUInt32LE(value, word * 4);
        expect(isFactOrReason(bytes, wanted)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

function isFactOrReason(bytes: Buffer, wanted: BtfWanted): boolean {
  const facts = parseBtf(bytes, wanted);
  if (facts.kind === 'unavailable') return facts.reason.length > 0;
  return wanted.offsets.every((path) => Number.isInteger(facts.value.offsets[path]));
}

describe('the BTF of the running kernel', () => {
  const path = '/sys/kernel/btf/vmlinux';
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);

  test('has all that the programs need', (ctx) => {
    if (bytes.length === 0) ctx.skip(`no ${path}`);
    const facts = parseBtf(bytes, TASK_FILES_BTF);
    expect(facts).toMatchObject({
      kind: 'ok',
      // Set by the layout of struct bpf_iter__task_file: four fields, 8 bytes each.
      value: {
        offsets: {
          'bpf_iter__task_file.meta': 0,
          'bpf_iter__task_file.task': 8,
          'bpf_iter__task_file.fd': 16,
          'bpf_iter__task_file.file': 24,
          'sock.__sk_common.skc_family': 16,
        },
      },
    });
  });

  test('survives changes', (ctx) => {
    if (bytes.length === 0) ctx.skip(`no ${path}`);
    const end = 24 + bytes.readUInt32LE(12);
    const change = fc.tuple(
      fc.integer({ min: 1, max: end / 4 - 1 }),
      fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 300_000 })),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 200 }), (changes) => {
        const before = changes.map(([word]) => [word, bytes.readUInt32LE(word * 4)] as const);
        for (const [word, value] of changes) bytes.writeUInt32LE(value, word * 4);
        expect(isFactOrReason(bytes, TASK_FILES_BTF)).toBe(true);
        for (const [word, value] of before.toReversed()) bytes.writeUInt32LE(value, word * 4);
      }),
      { numRuns: 50 },
    );
  });
});
