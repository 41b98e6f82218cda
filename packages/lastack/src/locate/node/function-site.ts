import type { Properties, ScriptPosition } from './protocol.ts';
import type { Place, Scripts } from './scripts.ts';
import type { Session } from './session.ts';

/** A variable scope that a function closes over. */
export interface RemoteScope {
  readonly objectId: string;
  /** Of an ES module as a whole. */
  readonly isModule: boolean;
  /** No function is around it: of a CommonJS file as a whole, unless nothing closes over that. */
  readonly isOutermost: boolean;
  /** The name of the function whose variables these are; empty for one without. */
  readonly owner: string;
}

/** Where a function of the target was written, and what it closes over. */
export interface FunctionSite {
  readonly place: Place;
  readonly scriptId: string;
  /** Line and column of the running script: the same function made again has the same. */
  readonly key: string;
  readonly name: string;
  /** The object that lists its scopes; null where V8 shows none. */
  readonly scopes: string | null;
}

/** Asks V8 where a function is; a bound one counts as what it calls. Null for native code. */
export async function siteOfFunction(
  session: Session,
  scripts: Scripts,
  objectId: string,
): Promise<FunctionSite | null> {
  let properties = await read(session, objectId);
  const target = internal(properties, '[[TargetFunction]]')?.objectId;
  if (target !== undefined) properties = await read(session, target);
  const position = internal(properties, '[[FunctionLocation]]')?.value;
  if (!isPosition(position)) return null;
  const place = scripts.placeOf(position);
  if (place === null) return null;
  const { scriptId, lineNumber, columnNumber } = position;
  const scopes = internal(properties, '[[Scopes]]')?.objectId ?? null;
  const key = `${scriptId}:${lineNumber}:${columnNumber}`;
  return { place, scriptId, key, name: await nameOf(scripts, scriptId, place, properties), scopes };
}

/** The scopes of a function, innermost first, without those that all functions share. */
export async function scopesOf(session: Session, scopes: string): Promise<readonly RemoteScope[]> {
  const { result } = await read(session, scopes);
  const listed = result.filter(({ name, value }) => /^\d+$/.test(name) && value !== undefined);
  const own = listed.filter(({ value }) => !/^(Global|Script)\b/.test(value?.description ?? ''));
  return own.flatMap(({ value }, i) => {
    if (value?.objectId === undefined) return [];
    const { objectId, description = '' } = value;
    const isModule = description.startsWith('Module');
    const owner = /^Closure \((.*)\)$/.exec(description)?.[1] ?? '';
    return [{ objectId, isModule, isOutermost: i === own.length - 1, owner }];
  });
}

/** A name can be made from data (`{ [key]() {} }`), so only one that the source has is told. */
async function nameOf(
  scripts: Scripts,
  scriptId: string,
  { origin }: Place,
  { result }: Properties,
): Promise<string> {
  const name = result.find((property) => property.name === 'name')?.value?.value;
  if (typeof name !== 'string' || name === '' || origin !== 'user') return '(anonymous)';
  await scripts.readCode(scriptId);
  return scripts.isName(name) ? name : '(anonymous)';
}

function read(session: Session, objectId: string): Promise<Properties> {
  return session.call('Runtime.getProperties', { objectId, ownProperties: true });
}

function internal({ internalProperties = [] }: Properties, name: string) {
  return internalProperties.find((property) => property.name === name)?.value;
}

function isPosition(value: unknown): value is ScriptPosition {
  return (
    typeof value === 'object' && value !== null && 'scriptId' in value && 'lineNumber' in value
  );
}
