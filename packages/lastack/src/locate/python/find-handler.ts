import type { Code } from './code-objects.ts';
import { visitDict } from './dicts.ts';
import type { Referrers } from './holder-search.ts';
import type { PythonView } from './python-view.ts';
import { attempt } from './roots.ts';

// Read first: Lib/asyncio/streams.py, `start_server()` and `StreamReaderProtocol.connection_made()`.

/** The protocol of each connection of `asyncio.start_server()`, and what it keeps the user's function as. */
const PROTOCOL = 'StreamReaderProtocol';
const CALLBACK = '_client_connected_cb';
/** Socket, transport, its dict, protocol, its dict. */
const MOST_STEPS = 5;
/** What wraps a function: a method's function, a partial of it. */
const CALLABLES: ReadonlySet<string> = new Set(['function', 'method', 'functools.partial']);
const MOST_WRAPPERS = 4;

/**
 * Finds the function that handles a connection of `asyncio.start_server()`: what is left to say where it has returned and
 * forgotten its writer, which then only the garbage collector would close.
 * @returns null for another socket
 */
export function findHandler(view: PythonView, referrers: Referrers, socket: number): Code | null {
  let level = new Set([socket]);
  const seen = new Set(level);
  for (let step = 0; step < MOST_STEPS && level.size > 0; step++) {
    const next = new Set<number>();
    for (const { parent } of [...level].flatMap((object) => referrers.get(object) ?? [])) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      next.add(parent);
      if (view.objects.typeOf(parent)?.name !== PROTOCOL) continue;
      const callback = attempt(() => callbackOf(view, parent)) ?? null;
      const code = callback === null ? null : attempt(() => codeOf(view, callback));
      if (code !== null) return code;
    }
    level = next;
  }
  return null;
}

function callbackOf({ objects, references }: PythonView, protocol: number): number | null {
  let found: number | null = null;
  const take = (key: number, value: number) => {
    if (attempt(() => objects.name(key)) === CALLBACK) found = value;
  };
  const type = objects.typeOf(protocol);
  if (type === null) return null;
  references.visit(protocol, type, (child, how, where) => {
    if (how === 'attribute') take(where, child);
    else if (how === 'dict') attempt(() => visitDict(objects, child, take));
  });
  return found;
}

function codeOf({ objects, references, codes }: PythonView, callable: number): Code | null {
  let open = [callable];
  for (let step = 0; step < MOST_WRAPPERS; step++) {
    const next: number[] = [];
    for (const object of open) {
      const type = objects.typeOf(object);
      if (type === null || !CALLABLES.has(type.name)) continue;
      let code: Code | null = null;
      references.visit(object, type, (child, how) => {
        if (how !== 'field') return;
        code ??= attempt(() => codes.at(child));
        next.push(child);
      });
      if (code !== null) return code;
    }
    open = next;
  }
  return null;
}
