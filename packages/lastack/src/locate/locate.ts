import {
  unreadAnswerStep,
  type Diagnosis,
  type Evidence,
  type Finding,
  type HttpClient,
  type Location,
  type LocationRole,
  type OwnerTable,
  type ProcessFacts,
  type RuleId,
  type Whereabouts,
} from '@lastack/core';
import type { Located, Locator, SocketLocation, UnreadAnswer } from './locator.ts';
import type { ConfirmQuery, DeepLook } from './node/deep-query.ts';
import { nativeTool } from './native-tools.ts';
import { whileHeld } from './still-held.ts';

/** Findings that a line of the program causes. */
const LOCATED_RULES: ReadonlySet<RuleId> = new Set([
  'close-wait-leak',
  'accept-backlog-stalled',
  'inherited-socket',
  'fin-wait-2-held',
  'dead-descriptor',
  'fd-limit-near',
  'connect-hanging',
  'read-hanging',
  'send-stuck',
]);
const MOST_PROCESSES = 8;
const MOST_FDS = 256;
const MOST_LOCATIONS = 8;

export interface LocateOptions {
  /** Whether Node's inspector may be used: it signals the program and pauses it for moments. */
  readonly attach: boolean;
  /** The only process to look into, however many a finding is about. */
  readonly pid?: number | undefined;
  /** Asked before the heap of a Node program is looked through, which stops it for seconds; without it, it is not. */
  readonly confirmQuery?: ConfirmQuery | null;
  /** What for: sockets that are no active handles, or also what holds them. */
  readonly deep?: DeepLook;
}

/** Finds the lines of code behind findings. It only reads, unless `attach` says otherwise. */
export async function locateFindings(
  { findings }: Diagnosis,
  { processes, owners }: Evidence,
  options: LocateOptions,
): Promise<ReadonlyMap<Finding, Whereabouts>> {
  const facts = processes.kind === 'ok' ? processes.value : new Map<number, ProcessFacts>();
  const table = owners.kind === 'ok' ? owners.value : null;
  const whereabouts = new Map<Finding, Whereabouts>();
  const searched = new Map<number, Promise<Located>>();
  for (const finding of findings.filter(({ rule }) => LOCATED_RULES.has(rule))) {
    const locations: Location[] = [];
    const notes: string[] = [];
    const clients = new Set<HttpClient>();
    for (const { pid, fds } of finding.owners) {
      if (options.pid !== undefined && pid !== options.pid) continue;
      const process = facts.get(pid);
      if (process === undefined) continue;
      if (!searched.has(pid)) {
        if (searched.size === MOST_PROCESSES) {
          notes.push(
            `lines were looked for in ${MOST_PROCESSES} processes; ask for another with --pid`,
          );
          break;
        }
        const sockets = socketsOf(pid, findings, table);
        searched.set(
          pid,
          whileHeld(pid, sockets, (held) => locateIn(process, held, options)),
        );
      }
      const located = await searched.get(pid);
      const wanted = new Set(fds);
      locations.push(
        ...(located?.locations ?? []).filter(({ fd }) => fd === null || wanted.has(fd)),
      );
      notes.push(...(located?.notes ?? []));
      for (const { fd, client } of located?.unreadAnswers ?? []) {
        if (wanted.has(fd)) clients.add(client);
      }
    }
    whereabouts.set(finding, {
      locations: mergeLocations(locations),
      notes: [...new Set(notes)],
      steps: [...clients].map(unreadAnswerStep),
    });
  }
  return whereabouts;
}

/** Inodes by descriptor, of the sockets that findings are about. */
function socketsOf(
  pid: number,
  findings: readonly Finding[],
  table: OwnerTable | null,
): ReadonlyMap<number, number> {
  const owners = findings.flatMap((finding) => finding.owners).filter((owner) => owner.pid === pid);
  const wanted = new Set(owners.flatMap(({ fds }) => fds));
  const sockets = new Map<number, number>();
  if (table === null) return sockets;
  for (let row = 0; row < table.count && sockets.size < MOST_FDS; row++) {
    if (table.pid[row] === pid && wanted.has(table.fd[row])) {
      sockets.set(table.fd[row], table.inode[row]);
    }
  }
  return sockets;
}

async function locateIn(
  process: ProcessFacts,
  fds: readonly number[],
  options: LocateOptions,
): Promise<Located> {
  const locations: SocketLocation[] = [];
  const notes: string[] = [];
  const unreadAnswers: UnreadAnswer[] = [];
  const target = { pid: process.pid, fds };
  const { locateRecorded } = await import('./recorded/locate-recorded.ts');
  const recorded = await locateRecorded(target);
  // Most programs are not started by `lastack run`, and that is no news.
  if (recorded.kind === 'ok') {
    locations.push(...recorded.value.locations);
    notes.push(...recorded.value.notes);
  }
  const locator = await locatorFor(process, options);
  const located = await locator?.(target);
  if (located?.kind === 'ok') {
    locations.push(...located.value.locations);
    notes.push(...located.value.notes);
    unreadAnswers.push(...(located.value.unreadAnswers ?? []));
  } else if (located !== undefined) {
    notes.push(`${located.reason}: ${located.remedy}`);
  }
  const tool = locations.length === 0 ? nativeTool(process, options.attach) : null;
  return { locations, notes: tool === null ? notes : [...notes, tool], unreadAnswers };
}

/** Loaded only when a finding asks for it. */
async function locatorFor(
  { runtime }: ProcessFacts,
  { attach, confirmQuery = null, deep = 'query' }: LocateOptions,
): Promise<Locator | null> {
  if (runtime === 'python') return (await import('./python/locate-python.ts')).locatePython;
  if (runtime !== 'node' || !attach) return null;
  const { locateNode } = await import('./node/locate-node.ts');
  return (target) => locateNode(target, confirmQuery, deep);
}

/** What says most comes first. */
const ROLE_ORDER: readonly LocationRole[] = ['created', 'held', 'executing', 'handled'];

/** Each line once, with what all sockets have there; the one that most sockets have in common first. */
export function mergeLocations(locations: readonly Location[]): readonly Location[] {
  const merged = new Map<string, { location: Location; names: Set<string>; count: number }>();
  for (const { role, file, line, function: name, evidence, ...rest } of locations) {
    const key = [role, file, line, name].join('\n');
    let seen = merged.get(key);
    if (seen === undefined) {
      const location = { role, file, line, function: name, evidence };
      merged.set(key, (seen = { location, names: new Set(), count: 0 }));
    }
    if (rest.name !== undefined) seen.names.add(rest.name);
    seen.count++;
  }
  return [...merged.values()]
    .toSorted((a, b) => rankOf(a.location) - rankOf(b.location) || b.count - a.count)
    .slice(0, MOST_LOCATIONS)
    .map(({ location, names }) => {
      const [first] = names;
      if (first === undefined) return location;
      const more = names.size === 1 ? '' : ` and ${names.size - 1} more`;
      return { ...location, name: first + more };
    });
}

function rankOf({ role }: Location): number {
  return ROLE_ORDER.indexOf(role);
}
