import { expect, test } from 'vitest';
import { findHeapHolders, type HeapHolder } from './heap-holders.ts';
import type { HeapSnapshot } from './heap-snapshot.ts';

type Reference = readonly [type: string, name: string | number, to: string];

const NODE_TYPES = ['synthetic', 'object', 'closure', 'array'];
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'weak'];
/** Of the user's own code; those of Node's have another. */
const OWN = 7;
const SOCKET = 'Socket';

/** A heap by its objects' names: the first is the root, functions begin with a small letter. */
function heap(objects: Readonly<Record<string, readonly Reference[]>>): HeapSnapshot {
  const names = Object.keys(objects);
  const strings: string[] = [];
  const stringOf = (text: string): number => {
    const known = strings.indexOf(text);
    return known < 0 ? strings.push(text) - 1 : known;
  };
  const references = names.flatMap((name) => objects[name]);
  let sum = 0;
  const firstEdge = [0, ...names.map((name) => (sum += objects[name].length))];
  const isFunction = (name: string): boolean => /^[a-z]/.test(name);
  const classOf = (name: string): string => (name.startsWith('Scope') ? 'system / Context' : name);
  return {
    nodeTypes: NODE_TYPES,
    edgeTypes: EDGE_TYPES,
    nodes: {
      count: names.length,
      type: Uint8Array.from(names, (name, i) => (i === 0 ? 0 : isFunction(name) ? 2 : 1)),
      name: Uint32Array.from(names, (name) => stringOf(classOf(name))),
      id: Uint32Array.from(names, (_name, i) => i),
      size: new Uint32Array(names.length),
      firstEdge: Uint32Array.from(firstEdge),
    },
    edges: {
      count: references.length,
      type: Uint8Array.from(references, ([type]) => EDGE_TYPES.indexOf(type)),
      name: Uint32Array.from(references, ([, name]) =>
        typeof name === 'number' ? name : stringOf(name),
      ),
      to: Uint32Array.from(references, ([, , to]) => names.indexOf(to)),
    },
    locations: names.flatMap((name, i) => (isFunction(name) ? [i, OWN, 3, 0] : [])),
    strings,
  };
}

function holdersIn(objects: Readonly<Record<string, readonly Reference[]>>): readonly HeapHolder[] {
  const ids = new Set([Object.keys(objects).indexOf(SOCKET)]);
  return findHeapHolders(heap(objects), ids, (scriptId) => scriptId === String(OWN));
}

test('findHeapHolders() gives the way from a variable of a module', () => {
  const [holder] = holdersIn({
    Root: [['internal', '1', 'add']],
    add: [['internal', 'context', 'Scope']],
    Scope: [['context', 'pool', 'Pool']],
    Pool: [
      ['property', '__proto__', SOCKET],
      ['property', '#idle', 'List'],
    ],
    List: [['element', 3, SOCKET]],
    Socket: [],
  });
  expect(holder).toMatchObject({
    kind: 'module',
    site: { name: 'add', scriptId: String(OWN), line: 3 },
    steps: [
      { kind: 'property', name: 'pool' },
      { kind: 'property', name: '#idle' },
      { kind: 'index', name: '3' },
    ],
    classes: ['Pool', 'List'],
  });
});

test('findHeapHolders() does not take what the socket itself keeps alive for its holder', () => {
  const objects = {
    Root: [['internal', '1', 'Handle']],
    Handle: [['property', 'owner', SOCKET]],
    Socket: [
      ['property', '_handle', 'Handle'],
      ['property', 'listener', 'listener'],
    ],
    listener: [['internal', 'context', 'Scope']],
    Scope: [['context', 'socket', SOCKET]],
  } satisfies Record<string, Reference[]>;
  expect(holdersIn(objects)).toEqual([]);
  // The same function, when something else has it, too.
  const [holder] = holdersIn({
    ...objects,
    Root: [...objects.Root, ['internal', '2', 'listener']],
  });
  expect(holder.steps).toEqual([{ kind: 'property', name: 'socket' }]);
});

test.each([
  ['a weak reference', ['weak', 'target', SOCKET]],
  ['the value of a WeakMap', ['internal', '2 / part of key (A) -> value (B) pair', SOCKET]],
] as const)('findHeapHolders() does not take %s for a holder', (_what, reference) => {
  const objects = {
    Root: [['internal', '1', 'add']],
    add: [['internal', 'context', 'Scope']],
    Scope: [['context', 'seen', 'Seen']],
    Seen: [reference],
    Socket: [],
  } satisfies Record<string, readonly Reference[]>;
  expect(holdersIn(objects)).toEqual([]);
});

test('findHeapHolders() leaves out what only the inspector keeps alive', () => {
  const objects = {
    Root: [['internal', '1 / DevTools console', 'probe']],
    probe: [['internal', 'context', 'Scope']],
    Scope: [['context', 'socket', SOCKET]],
    Socket: [],
  } satisfies Record<string, Reference[]>;
  expect(holdersIn(objects)).toEqual([]);
});

test('findHeapHolders() prefers the variable of a module to that of a function, and does not go in circles', () => {
  const [holder] = holdersIn({
    Root: [['internal', '1', 'inner']],
    inner: [['internal', 'context', 'ScopeOfFunction']],
    ScopeOfFunction: [
      ['internal', 'previous', 'Scope'],
      ['context', 'socket', SOCKET],
    ],
    Scope: [['context', 'pool', 'Pool']],
    Pool: [
      ['property', 'self', 'Pool'],
      ['property', 'socket', SOCKET],
    ],
    Socket: [],
  });
  expect(holder).toMatchObject({ kind: 'module', steps: [{ name: 'pool' }, { name: 'socket' }] });
});
