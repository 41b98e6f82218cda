import { seen, unavailable, type Observation } from '@lastack/core';
import { readProcessTree } from '../../kernel/procfs/process-tree.ts';
import {
  listProcNumbers,
  malformed,
  orEnded,
  readProcBytes,
  readProcText,
} from '../../kernel/procfs/read-proc.ts';
import { parseStat } from '../../kernel/procfs/stat.ts';
import { readElfSymbols } from '../elf.ts';
import { SIGUSR1, type GateFacts } from './gate.ts';
import { readUserSignals, SIGNAL_TREE_SYMBOLS } from './signal-tree.ts';

const NODE_SYMBOL = 'node_module_register';
const USR1_BIT = 1n << BigInt(SIGUSR1 - 1);
/** node::inspector::StartIoThreadMain blocks all signals; the two missing bits are those of the C library's threads. */
const INSPECTOR_MASK = 0xffff_fffe_7ffb_feffn;
/** Cluster workers are started with it in their environment: lib/internal/cluster/primary.js. */
const CLUSTER_MARK = 'NODE_UNIQUE_ID=';

/** What must not change between the decision and the signal: another start is another process, another mask an exec. */
export interface Identity {
  readonly startTicks: number;
  readonly catchesUsr1: boolean;
}

/** Gathers what the gate asks; it only reads. */
export function readGateFacts(pid: number): Observation<GateFacts> {
  const symbols = readElfSymbols(`/proc/${pid}/exe`, [NODE_SYMBOL, ...SIGNAL_TREE_SYMBOLS]);
  if (symbols.kind !== 'ok') return symbols;
  const identity = readIdentity(pid);
  if (identity.kind !== 'ok') return identity;
  const isNode = symbols.value.addresses.has(NODE_SYMBOL);
  const { catchesUsr1 } = identity.value;
  const workers = clusterWorkersOf(pid);
  if (workers.kind !== 'ok') return workers;
  return seen({
    pid,
    isNode,
    catchesUsr1,
    hasInspectorThread: isNode && hasInspectorThread(pid),
    userSignals: isNode
      ? readUserSignals(pid, symbols.value)
      : unavailable(`process ${pid} is not Node`, 'look at a Node process'),
    clusterWorkers: workers.value,
  });
}

/** Reads when a process started and whether it handles SIGUSR1. */
export function readIdentity(pid: number): Observation<Identity> {
  const statText = orEnded(readProcText(`/proc/${pid}/stat`), pid);
  const stat = statText.kind === 'ok' ? parseStat(statText.value) : statText;
  if (stat.kind !== 'ok') return stat;
  const status = orEnded(readProcText(`/proc/${pid}/status`), pid);
  const caught = status.kind === 'ok' ? parseSignalMask(status.value, 'SigCgt') : status;
  if (caught.kind !== 'ok') return caught;
  return seen({
    startTicks: stat.value.startTicks,
    catchesUsr1: (caught.value & USR1_BIT) !== 0n,
  });
}

/** A mask of signals in /proc/PID/status: fs/proc/array.c, render_sigset_t(). */
export function parseSignalMask(status: string, name: 'SigCgt' | 'SigBlk'): Observation<bigint> {
  const digits = new RegExp(String.raw`^${name}:\t([\da-f]{16})$`, 'm').exec(status)?.[1];
  return digits === undefined ? malformed('status', status) : seen(BigInt(`0x${digits}`));
}

function hasInspectorThread(pid: number): boolean {
  const threads = listProcNumbers(`/proc/${pid}/task`);
  if (threads.kind !== 'ok') return false;
  return threads.value.some((tid) => {
    const status = readProcText(`/proc/${pid}/task/${tid}/status`);
    const blocked = status.kind === 'ok' ? parseSignalMask(status.value, 'SigBlk') : status;
    return blocked.kind === 'ok' && blocked.value === INSPECTOR_MASK;
  });
}

/** Children that are workers of a cluster; one whose environment may not be read counts as one. */
function clusterWorkersOf(pid: number): Observation<readonly number[]> {
  const tree = readProcessTree('/proc');
  if (tree.kind !== 'ok') return tree;
  const children = [...tree.value.values()].filter(
    ({ parentPid, state }) => parentPid === pid && state !== 'Z',
  );
  return seen(children.map((child) => child.pid).filter(isClusterWorker));
}

function isClusterWorker(pid: number): boolean {
  const environment = readProcBytes(`/proc/${pid}/environ`);
  if (environment.kind !== 'ok') return environment.kind === 'unavailable';
  return `\0${environment.value.toString('latin1')}`.includes(`\0${CLUSTER_MARK}`);
}
