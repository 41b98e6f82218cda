import { RULE_IDS, TCP_STATES } from '@lastack/core';
import { SUBJECTS } from './subjects.ts';
import type { Subject } from './subject.ts';
import { findTopic, type Topic } from './topic.ts';

/** A subject by what people call it, a word that subjects speak of, or the names that come nearest. */
export type Found =
  | { readonly kind: 'found'; readonly subject: Subject }
  | Topic
  | { readonly kind: 'unknown'; readonly nearest: readonly string[] };

const SUGGESTIONS = 3;

/** @param name as typed: `CLOSE_WAIT`, `close-wait`, `closewait`, `ESTAB`, `port-exhaustion` */
export function findSubject(name: string): Found {
  const wanted = normal(name);
  const exact = SUBJECTS.find((subject) => namesOf(subject).some((own) => normal(own) === wanted));
  if (exact !== undefined) return { kind: 'found', subject: exact };
  const topic = findTopic(name);
  if (topic !== null) {
    // A word of one subject only, such as a cause of close-wait-leak, stands for it.
    const [only, ...others] = SUBJECTS.filter(({ id }) => topic.subjects.includes(id));
    return others.length === 0 ? { kind: 'found', subject: only } : topic;
  }
  const names = [...TCP_STATES, ...RULE_IDS];
  const near = names
    .map((own) => ({ own, edits: distanceOf(wanted, normal(own)) }))
    .toSorted((a, b) => a.edits - b.edits);
  return { kind: 'unknown', nearest: near.slice(0, SUGGESTIONS).map(({ own }) => own) };
}

/** Every name that a subject answers to. */
export function namesOf(subject: Subject): readonly string[] {
  return subject.kind === 'state' ? [subject.id, ...subject.alsoCalled] : [subject.id];
}

function normal(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** 0 where one contains the other; else how many letters must be changed, added or taken away (Levenshtein). */
function distanceOf(a: string, b: string): number {
  if (a.length > 2 && (b.includes(a) || a.includes(b))) return 0;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
