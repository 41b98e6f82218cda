import { OBJECT_GROUP } from './inspector.ts';
import type { RemoteObject } from './protocol.ts';
import { InspectorError, type Session } from './session.ts';

/** Measured with Node 18 to 26 on heaps of 60 to 240 MB: 7 to 10 ms per MB, and as much memory again while it lasts. */
const MS_PER_MB = 12;
/** A busy machine takes longer than was measured. */
const PATIENCE = 5;
const LEAST_PATIENCE_MS = 10_000;

/** How the heap is looked through: for sockets, or also for what holds them. */
export type DeepLook = 'query' | 'snapshot';

/** What looking through the whole heap of a process will cost it. */
export interface QueryCost {
  readonly pid: number;
  readonly how: DeepLook;
  /** Objects of JavaScript, bytes. */
  readonly heapBytes: number;
  /** How long the program will stand still, ms. */
  readonly pauseMs: number;
  /** Memory that it will need meanwhile, bytes. */
  readonly extraBytes: number;
}

/** Asks the user whether it is worth that. */
export type ConfirmQuery = (cost: QueryCost) => Promise<boolean>;

/** Reads the size of the heap, which costs nothing. */
export async function predictQuery(session: Session, pid: number): Promise<QueryCost> {
  const { usedSize } = await session.call('Runtime.getHeapUsage', {});
  const pauseMs = Math.ceil(usedSize / 1e6) * MS_PER_MB;
  return { pid, how: 'query', heapBytes: usedSize, pauseMs, extraBytes: usedSize };
}

/** How long to wait for an answer that was predicted to take that long, ms. */
export function patienceFor({ pauseMs }: QueryCost): number {
  return Math.max(LEAST_PATIENCE_MS, PATIENCE * pauseMs);
}

/**
 * Every socket in the heap, also those that do not keep the program alive (unref) and so are no active handles. V8 collects
 * garbage and then walks the whole heap, in one piece.
 * @returns an array of the target
 */
export async function querySockets(session: Session, patienceMs: number): Promise<RemoteObject> {
  const { result } = await session.call('Runtime.evaluate', {
    expression: `(process.getBuiltinModule ?? require)('net').Socket.prototype`,
    includeCommandLineAPI: true,
    objectGroup: OBJECT_GROUP,
  });
  if (result.objectId === undefined) {
    throw new InspectorError('net.Socket of the target cannot be seen');
  }
  const { objects } = await session.call(
    'Runtime.queryObjects',
    { prototypeObjectId: result.objectId, objectGroup: OBJECT_GROUP },
    patienceMs,
  );
  return objects;
}
