import type { HolderPath } from './holder-paths.ts';
import type { Edge } from './holder-search.ts';
import { TPFLAGS, type PythonObjects } from './objects.ts';
import type { PythonView } from './python-view.ts';
import { attempt } from './roots.ts';

/** A name that may stand behind a dot; what is longer was made by a program, and may be anything. */
export const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}]{0,63}$/u;
/** Objects that only pass a reference on. */
const TRANSPARENT = new Set(['cell', 'method', 'builtin_function_or_method']);
const UNKNOWN = '…';
/** `PyMemberDef {char *name; int type; Py_ssize_t offset; …}`. */
const MEMBER = { size: 40, offset: 16, most: 200 };

/**
 * A path as the program would write it: `pool.idle[17]`, `local variable self.request`. Keys of dicts are shown by their type
 * unless they are numbers, since they may be secrets: `sessions[str]`.
 */
export function nameOf(view: PythonView, { variable, edges }: HolderPath): string {
  const start = variable.root.kind === 'local' ? `local variable ${variable.name}` : variable.name;
  return edges
    .map((edge, index) => stepName(view, edge, edges[index - 1]))
    .reduce((name, step) => (name + step).replace('……', UNKNOWN), start);
}

function stepName(view: PythonView, edge: Edge, before: Edge | undefined): string {
  const { objects, references } = view;
  switch (edge.how) {
    case 'item':
      return `[${edge.where}]`;
    case 'member':
    case 'key':
      return `{${typeName(objects, edge.child)}}`;
    case 'attribute':
      return attributeName(objects, edge.where);
    case 'value':
      return before?.how === 'dict'
        ? attributeName(objects, edge.where)
        : `[${keyName(objects, edge.where)}]`;
    case 'dict':
      return '';
    case 'local':
      return localName(attempt(() => references.localName(edge.parent, edge.where)));
    case 'field':
      return fieldName(objects, edge);
    default:
      return edge.how satisfies never;
  }
}

/** A variable of a call that has ended, which a traceback keeps. */
function localName(name: string | null): string {
  return name === null ? UNKNOWN : `${UNKNOWN}${name}`;
}

function typeName(objects: PythonObjects, object: number): string {
  return objects.typeOf(object)?.name ?? 'object';
}

function attributeName(objects: PythonObjects, key: number): string {
  const name = attempt(() => objects.name(key));
  return name !== null && IDENTIFIER.test(name) ? `.${name}` : '[str]';
}

/** The type only: a key may be a user's number or name, and values are not read. */
function keyName(objects: PythonObjects, key: number): string {
  return objects.typeOf(key)?.name ?? 'object';
}

/** The name of a slot; nothing for what only passes the reference on. */
function fieldName(objects: PythonObjects, { parent, where }: Edge): string {
  const type = objects.typeOf(parent);
  if (type === null || TRANSPARENT.has(type.name)) return '';
  if ((type.flags & TPFLAGS.HEAPTYPE) === 0) return UNKNOWN;
  return attempt(() => slotName(objects, parent, where)) ?? UNKNOWN;
}

/** `__slots__` of a class: an array of PyMemberDef behind the class object, PyHeapType_GET_MEMBERS(). */
function slotName(objects: PythonObjects, object: number, offset: number): string | null {
  const { memory, offsets } = objects;
  let type = memory.pointer(object + offsets.ob_type);
  for (
    let depth = 0;
    type !== 0 && depth < 8;
    depth++, type = memory.pointer(type + offsets.tp_base)
  ) {
    const meta = objects.typeOf(type);
    const flags = objects.typeAt(type)?.flags ?? 0;
    if (meta === null || (flags & TPFLAGS.HEAPTYPE) === 0) return null;
    const count = Math.min(memory.u64(type + offsets.ob_size), MEMBER.most);
    for (let index = 0; index < count; index++) {
      const member = type + meta.basicSize + index * MEMBER.size;
      if (memory.u64(member + MEMBER.offset) !== offset) continue;
      const name = memory.cString(memory.u64(member));
      return IDENTIFIER.test(name) ? `.${name}` : null;
    }
  }
  return null;
}
