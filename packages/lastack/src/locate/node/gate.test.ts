import { seen, unavailable } from '@lastack/core';
import { describe, expect, test } from 'vitest';
import { decideGate, type GateFacts } from './gate.ts';
import { parseSignalMask } from './gate-facts.ts';
import { judgeLooks } from './main-thread.ts';
import { parseSignalTree } from './signal-tree.ts';

const SAFE: GateFacts = {
  pid: 812,
  isNode: true,
  catchesUsr1: true,
  hasInspectorThread: true,
  userSignals: seen([2, 15]),
  clusterWorkers: [],
};

describe('decideGate()', () => {
  test('lets a signal pass only when every fact is in favour', () => {
    expect(decideGate(SAFE)).toEqual({ kind: 'ok', value: 'safe' });
  });

  test.each([
    [{ isNode: false }, "does not show Node's symbols"],
    [{ catchesUsr1: false }, 'the signal would end it'],
    [{ hasInspectorThread: false }, 'no inspector that waits for SIGUSR1'],
    [{ userSignals: seen([15, 10]) }, 'handles SIGUSR1 itself'],
    [{ userSignals: unavailable('cannot read the memory', 'run as root') }, 'cannot read the'],
    [{ clusterWorkers: [813, 814] }, 'its workers, too (813, 814)'],
  ] satisfies [Partial<GateFacts>, string][])('refuses %o', (facts, reason) => {
    const verdict = decideGate({ ...SAFE, ...facts });
    expect(verdict).toMatchObject({
      kind: 'unavailable',
      reason: expect.stringContaining(reason),
      remedy: expect.stringMatching(/./),
    });
  });
});

describe('parseSignalMask()', () => {
  test('reads a mask of 64 signals', () => {
    const status = 'SigBlk:\tfffffffe7ffbfeff\nSigCgt:\t0000000108000200\n';
    expect(parseSignalMask(status, 'SigBlk')).toEqual(seen(0xfffffffe7ffbfeffn));
    expect(parseSignalMask(status, 'SigCgt')).toEqual(seen(0x108000200n));
    expect(parseSignalMask('SigCgt:\t200\n', 'SigCgt').kind).toBe('unavailable');
  });
});

describe('parseSignalTree()', () => {
  const node = (signal: number, left: number, right: number): Buffer => {
    const bytes = Buffer.alloc(128);
    bytes.writeInt32LE(signal, 104);
    bytes.writeBigUInt64LE(BigInt(left), 112);
    bytes.writeBigUInt64LE(BigInt(right), 120);
    return bytes;
  };
  const pointer = (address: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(address));
    return bytes;
  };
  const memory = (blocks: Record<number, Buffer>) => (address: number) => {
    const block = blocks[address];
    if (block === undefined) throw new RangeError('not mapped');
    return block;
  };

  test('gathers the signals of all nodes', () => {
    const blocks = { 1: pointer(2), 2: node(15, 3, 4), 3: node(10, 0, 0), 4: node(28, 0, 0) };
    expect(parseSignalTree(1, memory(blocks))?.toSorted((a, b) => a - b)).toEqual([10, 15, 28]);
    expect(parseSignalTree(1, memory({ 1: pointer(0) }))).toEqual([]);
  });

  test('takes nothing for a tree that is none', () => {
    expect(parseSignalTree(1, memory({ 1: pointer(2), 2: node(999, 0, 0) }))).toBeNull();
    // A circle ends at the limit.
    expect(parseSignalTree(1, memory({ 1: pointer(2), 2: node(15, 2, 2) }))).toBeNull();
    expect(() => parseSignalTree(1, memory({ 1: pointer(7) }))).toThrow(RangeError);
  });
});

describe('judgeLooks()', () => {
  test('tells a loop that waits from one that computes and one that is stuck', () => {
    expect(judgeLooks(['epoll_pwait', 'epoll_pwait'])).toEqual({ kind: 'waiting' });
    expect(judgeLooks(['running', 'epoll_pwait'])).toEqual({ kind: 'waiting' });
    expect(judgeLooks(['running', 'running'])).toEqual({ kind: 'busy' });
    expect(judgeLooks(['futex', 'futex'])).toEqual({ kind: 'stuck', where: 'futex' });
    expect(judgeLooks(['outside', 'outside'])).toEqual({ kind: 'stuck', where: 'outside' });
  });
});
