import { readProcText } from '../../kernel/procfs/read-proc.ts';
import type { SocketLocation } from '../locator.ts';
import type { QueryCost } from './deep-query.ts';
import { findHeapHolders, type HeapHolder } from './heap-holders.ts';
import { HeapSnapshotParser, type HeapSnapshot } from './heap-snapshot.ts';
import { formatHolderPath } from './holder-path.ts';
import type { RemoteProbe } from './remote-probe.ts';
import type { Scripts } from './scripts.ts';
import type { Session } from './session.ts';

/** Measured with Node 20 and 22 on heaps of 74 to 300 MB of small objects: 68 to 104 ms per MB, and 8 to 9.4 times its size. */
const MS_PER_MB = 110;
const MEMORY_FACTOR = 10;
/** A snapshot of it needs up to 3 GB in the program, and 1.2 GB here. */
const LARGEST_HEAP = 300e6;
/** What lastack itself needs for it. */
const OWN_FACTOR = 4;
const MOST_BYTES = 700e6;
const MOST_SOCKETS = 64;
/** Classes of JavaScript and Node, whose names are no secret. */
const KNOWN_CLASSES = new Set(
  'Object Array Map Set Promise Socket TLSSocket IncomingMessage ServerResponse ClientRequest Agent Server'.split(
    ' ',
  ),
);

/** What a snapshot of the heap will cost, from its size. */
export function predictSnapshot(cost: QueryCost): QueryCost {
  const { heapBytes } = cost;
  const pauseMs = Math.ceil(heapBytes / 1e6) * MS_PER_MB;
  return { ...cost, how: 'snapshot', pauseMs, extraBytes: heapBytes * MEMORY_FACTOR };
}

/** Why no snapshot can be taken; null where it can. */
export function refuseSnapshot({ pid, heapBytes, extraBytes }: QueryCost): string | null {
  const [heap, most] = [heapBytes, LARGEST_HEAP].map((bytes) => Math.ceil(bytes / 1e6));
  if (heapBytes > LARGEST_HEAP) {
    return `no snapshot was taken: process ${pid} has a heap of ${heap} MB, and --deep=snapshot takes those of up to ${most} MB`;
  }
  const available = readAvailableMemory();
  const needed = extraBytes + heapBytes * OWN_FACTOR;
  if (available === null || needed <= available) return null;
  return `no snapshot was taken: that of process ${pid} needs ${Math.ceil(needed / 1e6)} MB, and this host has ${Math.floor(available / 1e6)} MB left`;
}

/** Bytes that could be used now; null if the kernel does not say. */
function readAvailableMemory(): number | null {
  const text = readProcText('/proc/meminfo');
  const kb = text.kind === 'ok' ? /^MemAvailable:\s+(\d+) kB$/m.exec(text.value)?.[1] : undefined;
  return kb === undefined ? null : Number(kb) * 1024;
}

/** Takes a snapshot of the heap, during which the program stands still. */
export async function takeSnapshot(session: Session, patienceMs: number): Promise<HeapSnapshot> {
  const parser = new HeapSnapshotParser(MOST_BYTES);
  let failure: unknown = null;
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => {
    if (failure !== null) return;
    try {
      parser.write(chunk);
    } catch (error) {
      failure = error;
    }
  });
  await session.call('HeapProfiler.takeHeapSnapshot', { reportProgress: false }, patienceMs);
  if (failure !== null) throw failure;
  return parser.end();
}

export interface SnapshotSearch {
  readonly session: Session;
  readonly probe: RemoteProbe;
  readonly scripts: Scripts;
}

/**
 * Finds what holds sockets in a snapshot of the heap.
 * @param sockets their place among what the probe has found, and their descriptors
 * @returns a location for each that something of the user's own holds
 */
export async function holdersIn(
  snapshot: HeapSnapshot,
  sockets: readonly { readonly index: number; readonly fd: number }[],
  { session, probe, scripts }: SnapshotSearch,
): Promise<readonly SocketLocation[]> {
  const fds = new Map<number, number>();
  for (const { index, fd } of sockets.slice(0, MOST_SOCKETS)) {
    const objectId = await probe.socketOf(index);
    if (objectId === null) continue;
    const { heapSnapshotObjectId } = await session.call('HeapProfiler.getHeapObjectId', {
      objectId,
    });
    fds.set(Number(heapSnapshotObjectId), fd);
  }
  const isOwn = (scriptId: string): boolean => scripts.originOf(scriptId) === 'user';
  const holders = findHeapHolders(snapshot, new Set(fds.keys()), isOwn);
  for (const { site } of holders) await scripts.readCode(site.scriptId);
  await scripts.readOwnCode();
  return holders.flatMap((holder) => {
    const fd = fds.get(holder.id);
    const location = fd === undefined ? null : locationOf(holder, scripts);
    return fd === undefined || location === null ? [] : [{ ...location, fd }];
  });
}

function locationOf(
  { kind, site, steps, classes }: HeapHolder,
  scripts: Scripts,
): Omit<SocketLocation, 'fd'> | null {
  const { scriptId } = site;
  const position = { scriptId, lineNumber: site.line, columnNumber: site.column };
  const place = scripts.placeOf(position);
  if (place === null) return null;
  const isName = (text: string): boolean => scripts.isName(text);
  const owner = isName(site.name) ? site.name : '(anonymous)';
  const types = classes.map((each) => (KNOWN_CLASSES.has(each) || isName(each) ? each : '…'));
  const through = types.length === 0 ? '' : ` then ${types.join(', ')},`;
  const where = `${place.file}:${place.line}`;
  if (kind === 'suspended') {
    const name = `a local variable${formatHolderPath(steps, isName)}`;
    const evidence = `${owner} waits,${through} in a snapshot of the heap`;
    return { role: 'held', file: place.file, line: place.line, function: owner, name, evidence };
  }
  const [{ name: variable }] = steps;
  const { file, line } = scripts.declarationOf(variable, scriptId) ?? place;
  const isModule = kind === 'module' && scripts.isTopLevel(variable, scriptId);
  const name = variable + formatHolderPath(steps.slice(1), isName);
  const evidence = `closure of ${owner}, ${where},${through} in a snapshot of the heap`;
  return {
    role: 'held',
    file,
    line,
    function: isModule ? '(module)' : '(anonymous)',
    name,
    evidence,
  };
}
