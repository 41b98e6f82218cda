import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHolderPath, type HolderStep } from './holder-path.ts';
import { blankText, declarationOf, depthAt, isNameInCode } from './source-text.ts';

const CODE = `const pool = { idle: [], 'quoted key': 1 };
// const pool is a comment, and so is .remark
const text = "pool.secret, { token: 1 }"; const template = \`x.hidden\`;
class Store { #open = new Map(); add(key) { this.list[key] = /.pattern"/.test(key); } }
function first(pool) { let twice; return pool.idle; }
function second() { let twice; const { inner, other: renamed } = first(); return inner; }
`;
const blanked = blankText(CODE);

describe('blankText()', () => {
  test('leaves code where it was', () => {
    expect(blanked).toHaveLength(CODE.length);
    expect(blanked.split('\n')).toHaveLength(CODE.split('\n').length);
    expect(blanked).toContain('const pool = { idle: []');
    expect(blanked).not.toMatch(/secret|token|hidden|remark|pattern|quoted/);
  });

  test('keeps the length of any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(blankText(text)).toHaveLength(text.length);
      }),
    );
  });
});

describe('isNameInCode()', () => {
  test('knows the names that code gives to properties', () => {
    for (const name of ['idle', 'list', 'pool', 'open']) {
      expect(isNameInCode(name, blanked), name).toBe(true);
    }
  });

  test('knows none that only data has', () => {
    for (const name of ['secret', 'token', 'hidden', 'quoted key', 'hunter2', 'a.b', '']) {
      expect(isNameInCode(name, blanked), name).toBe(false);
    }
  });
});

describe('declarationOf()', () => {
  test('finds the only declaration', () => {
    expect(declarationOf('pool', blanked)).toBe(CODE.indexOf('pool'));
    expect(declarationOf('Store', blanked)).toBe(CODE.indexOf('Store'));
    expect(declarationOf('inner', blanked)).toBe(CODE.indexOf('inner'));
  });

  test('does not guess', () => {
    for (const name of ['twice', 'key', 'nowhere', 'a b', '.*']) {
      expect(declarationOf(name, blanked), name).toBeNull();
    }
  });
});

describe('depthAt()', () => {
  test('tells the top of a file from what is inside of functions', () => {
    expect(depthAt(blanked, CODE.indexOf('pool'))).toBe(0);
    expect(depthAt(blanked, CODE.indexOf('Store'))).toBe(0);
    expect(depthAt(blanked, CODE.indexOf('inner'))).toBe(1);
    expect(depthAt('const { a, b } = c;', 11)).toBe(0);
  });
});

describe('formatHolderPath()', () => {
  test('shows names of the code, never keys, and nothing behind an unknown symbol', () => {
    const steps: HolderStep[] = [
      { kind: 'property', name: 'idle' },
      { kind: 'index', name: '17' },
      { kind: 'value', name: '' },
      { kind: 'property', name: 'hunter2' },
      { kind: 'member', name: '' },
      { kind: 'key', name: '' },
      { kind: 'property', name: '[kSocket]' },
      { kind: 'property', name: '[hunter3]' },
      { kind: 'property', name: 'idle' },
    ];
    const isName = (name: string): boolean => ['idle', 'kSocket'].includes(name);
    expect(formatHolderPath(steps, isName)).toBe('.idle[17].get(…)[…].values(…).keys(…)[kSocket]');
  });
});
