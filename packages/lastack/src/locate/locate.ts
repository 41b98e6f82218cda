import {
  type Diagnosis,
  type Evidence,
  type Finding,
  type Location,
  type ProcessFacts,
  type RuleId,
  type Whereabouts,
} from '@lastack/core';
import type { Located, Locator, SocketLocation } from './locator.ts';
import { nativeTool } from './native-tools.ts';

/** Findings that a line of the program causes. */
const LOCATED_RULES: ReadonlySet<RuleId> = new Set([
  'close-wait-leak',
  'accept-backlog-stalled',
  'inherited-socket',
  'fin-wait-2-held',
  'dead-descriptor',
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
}

/** Finds the lines of code behind findings. It only reads, unless `attach` says otherwise. */
export async function locateFindings(
  { findings }: Diagnosis,
  { processes }: Evidence,
  options: LocateOptions,
): Promise<ReadonlyMap<Finding, Whereabouts>> {
  const facts = processes.kind === 'ok' ? processes.value : new Map<number, ProcessFacts>();
  const whereabouts = new Map<Finding, Whereabouts>();
  const searched = new Map<number, Promise<Located>>();
  for (const finding of findings.filter(({ rule }) => LOCATED_RULES.has(rule))) {
    const locations: Location[] = [];
    const notes: string[] = [];
    for (const { pid, fds } of finding.owners) {
      const process = facts.get(pid);
      if (process === undefined) continue;
      if (!searched.has(pid)) {
        if (searched.size === MOST_PROCESSES) {
          notes.push(
            `lines were looked for in ${MOST_PROCESSES} processes; ask for another with --pid`,
          );
          break;
        }
        searched.set(pid, locateIn(process, fdsOf(pid, findings), options));
      }
      const located = await searched.get(pid);
      const wanted = new Set(fds);
      locations.push(
        ...(located?.locations ?? []).filter(({ fd }) => fd === null || wanted.has(fd)),
      );
      notes.push(...(located?.notes ?? []));
    }
    whereabouts.set(finding, { locations: mostFrequent(locations), notes: [...new Set(notes)] });
  }
  return whereabouts;
}

function fdsOf(pid: number, findings: readonly Finding[]): readonly number[] {
  const owners = findings.flatMap((finding) => finding.owners).filter((owner) => owner.pid === pid);
  return [...new Set(owners.flatMap(({ fds }) => fds))].slice(0, MOST_FDS);
}

async function locateIn(
  process: ProcessFacts,
  fds: readonly number[],
  options: LocateOptions,
): Promise<Located> {
  const locations: SocketLocation[] = [];
  const notes: string[] = [];
  for (const locator of locatorsFor(process, options)) {
    const located = await (await locator())({ pid: process.pid, fds });
    if (located.kind === 'unavailable') notes.push(`${located.reason}: ${located.remedy}`);
    else {
      locations.push(...located.value.locations);
      notes.push(...located.value.notes);
    }
  }
  const tool = locations.length === 0 ? nativeTool(process) : null;
  return { locations, notes: tool === null ? notes : [...notes, tool] };
}

/** Loaded only when a finding asks for them. */
function locatorsFor(
  { runtime }: ProcessFacts,
  { attach }: LocateOptions,
): readonly (() => Promise<Locator>)[] {
  void attach;
  if (runtime === 'python') {
    return [async () => (await import('./python/locate-python.ts')).locatePython];
  }
  return [];
}

/** The same line once, the one that most sockets have in common first. */
function mostFrequent(locations: readonly Location[]): readonly Location[] {
  const counts = new Map<string, { location: Location; count: number }>();
  for (const location of locations) {
    const { role, file, line, name = '' } = location;
    const key = [role, file, line, name].join('\n');
    const seen = counts.get(key);
    if (seen === undefined) counts.set(key, { location, count: 1 });
    else seen.count++;
  }
  return [...counts.values()]
    .toSorted((a, b) => b.count - a.count)
    .slice(0, MOST_LOCATIONS)
    .map(({ location }) => withoutFd(location));
}

function withoutFd({ role, file, line, function: name, evidence, ...rest }: Location): Location {
  const holder = rest.name;
  return {
    role,
    file,
    line,
    function: name,
    ...(holder === undefined ? {} : { name: holder }),
    evidence,
  };
}
