import {
  grouped,
  type Finding,
  type FindingOwner,
  type FixStep,
  type Location,
  type UnknownFinding,
  type Whereabouts,
} from '@lastack/core';
import { proseDuration } from './duration.ts';
import type { Paint } from './style.ts';
import { wrap } from './wrap.ts';

const LABEL_WIDTH = 11;
const ROLE_WIDTH = 12;
const SHOWN_PEERS = 5;
const SHOWN_HOLDERS = 4;
const SHOWN_FDS = 8;

/** One finding as a person reads it: what, since when and until when, with whom, why, what to do. */
export function findingLines(
  finding: Finding,
  whereabouts: Whereabouts | undefined,
  at: number,
  paint: Paint,
  width: number,
): string[] {
  const colour = finding.severity === 'critical' ? 'red' : 'yellow';
  const severity = paint(['bold', colour], finding.severity.toUpperCase().padEnd(10));
  const head = wrap(`${finding.rule}   ${finding.title}`, width - 10);
  return [
    ...head.map((line, i) => (i === 0 ? severity + paint('bold', line) : ' '.repeat(10) + line)),
    ...field('since', sinceText(finding, at), width),
    ...field('holder', holderText(finding.owners), width),
    ...field('peers', peersText(finding), width),
    ...field('why', causeText(finding), width),
    ...whereLines(whereabouts, width),
    ...fixLines(finding, whereabouts?.steps ?? [], width),
  ];
}

function causeText({ cause, why }: Finding): string {
  return cause === null || cause === 'unknown' ? why : `${cause}: ${why}`;
}

const ROLES: Readonly<Record<Location['role'], string>> = {
  created: 'created at',
  held: 'held by',
  handled: 'handled by',
  executing: 'executing',
};

function whereLines(whereabouts: Whereabouts | undefined, width: number): string[] {
  if (whereabouts === undefined) return [];
  const texts = [...whereabouts.locations.map(locationText), ...whereabouts.notes];
  return texts.flatMap((text, i) => field(i === 0 ? 'where' : '', text, width));
}

/** `held by     src/cache.ts:42  idle, pool.idle[17] [heap of the program]` */
function locationText({
  role,
  file,
  line,
  function: name,
  name: holder,
  evidence,
}: Location): string {
  const what = [name, holder].filter((part) => part !== undefined && part !== '').join(', ');
  return `${ROLES[role].padEnd(ROLE_WIDTH)}${file}:${line}  ${what} [${evidence}]`;
}

function sinceText({ oldest, growth, forecast, sockets }: Finding, at: number): string | null {
  const parts: string[] = [];
  if (oldest !== null) {
    const bound = { '=': '', '≥': 'at least ', '≈': 'about ' }[oldest.confidence];
    parts.push(`${bound}${proseDuration(oldest.ms)}${sockets > 1 ? ' (the oldest)' : ''}`);
  }
  if (growth !== null && growth.perMinute > 0) {
    const seen =
      growth.basis === 'observed' ? `seen over ${proseDuration(growth.windowMs)}` : 'by their ages';
    parts.push(`+${rate(growth.perMinute)} a minute (${seen})`);
  }
  const text = parts.join(', ');
  if (forecast === null) return text === '' ? null : text;
  return `${text}; ${forecast.limit} are gone in ${proseDuration(Math.max(0, forecast.at - at))}`;
}

function rate(perMinute: number): string {
  return perMinute >= 10
    ? grouped(Math.round(perMinute))
    : String(Number(perMinute.toPrecision(2)));
}

function holderText(owners: readonly FindingOwner[]): string | null {
  if (owners.length === 0) return null;
  return owners
    .slice(0, SHOWN_HOLDERS)
    .map(({ pid, command, fds }) => {
      return `${command} (pid ${pid})${fds.length === 0 ? '' : ` fd ${fdsText(fds)}`}`;
    })
    .join('; ')
    .concat(owners.length > SHOWN_HOLDERS ? ` and ${owners.length - SHOWN_HOLDERS} more` : '');
}

function fdsText(fds: readonly number[]): string {
  // Typed arrays are sorted as numbers, without a call for each comparison.
  const shown = Uint32Array.from(fds).toSorted().subarray(0, SHOWN_FDS).join(', ');
  return fds.length > SHOWN_FDS ? `${shown}, … (${grouped(fds.length)} in all)` : shown;
}

function peersText({ peers }: Finding): string | null {
  if (peers.length === 0) return null;
  const shown = peers
    .slice(0, SHOWN_PEERS)
    .map(({ peer, count }) => `${peer} (${grouped(count)})`)
    .join(', ');
  const rest = peers.length - SHOWN_PEERS;
  return rest > 0 ? `${shown} and ${grouped(rest)} more` : shown;
}

function fixLines(
  { fix, owners }: Finding,
  particular: readonly FixStep[],
  width: number,
): string[] {
  const general = stepsFor(fix.steps, owners);
  const languages = general.length > 1;
  return [
    ...field('fix', fix.summary, width),
    ...[...particular, ...general].flatMap(({ language, text }) =>
      field('', languages ? `${language}: ${text}` : text, width),
    ),
    ...field('', `more: ${fix.docs}`, width),
  ];
}

/** The steps in the holder's language; all of them when it is not known. */
export function stepsFor(
  steps: readonly FixStep[],
  owners: readonly FindingOwner[],
): readonly FixStep[] {
  const spoken = new Set(
    owners.map(
      ({ runtime }) =>
        ({ node: 'Node', python: 'Python', go: 'Go', java: 'Java', other: '' })[runtime],
    ),
  );
  const fitting = steps.filter(({ language }) => language === 'host' || spoken.has(language));
  return fitting.length > 0 ? fitting : steps;
}

export function unknownLines(
  unknown: readonly UnknownFinding[],
  paint: Paint,
  width: number,
): string[] {
  const rulesByReason = new Map<string, string[]>();
  for (const { rule, reason, remedy } of unknown) {
    const text = `${reason}; ${remedy}`;
    const rules = rulesByReason.get(text) ?? [];
    rules.push(rule);
    rulesByReason.set(text, rules);
  }
  return [...rulesByReason].flatMap(([text, rules]) =>
    wrap(`${text} (for ${listed(rules)})`, width - 10).map((line, i) =>
      i === 0 ? paint('dim', 'UNKNOWN   ') + line : ' '.repeat(10) + line,
    ),
  );
}

function listed(rules: readonly string[]): string {
  return rules.length > 4
    ? `${rules.slice(0, 3).join(', ')} and ${rules.length - 3} more rules`
    : rules.join(', ');
}

function field(label: string, text: string | null, width: number): string[] {
  if (text === null) return [];
  const indent = ' '.repeat(2 + LABEL_WIDTH);
  return wrap(text, width - indent.length).map((line, i) =>
    i === 0 ? `  ${label.padEnd(LABEL_WIDTH)}${line}` : indent + line,
  );
}
