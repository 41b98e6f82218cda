import { SUBJECTS } from './subjects.ts';
import type { Block, Myth, Subject } from './subject.ts';

/** A word of the field that is no state and no finding: what is believed of it, and what is so. */
export interface Topic {
  readonly kind: 'topic';
  /** As it was asked for. */
  readonly name: string;
  readonly myths: readonly (Myth & { readonly subject: Subject['id'] })[];
  /** Which subjects say more of it. */
  readonly subjects: readonly Subject['id'][];
}

/** @returns null where nobody speaks of it */
export function findTopic(name: string): Topic | null {
  const word = name.replace(/^net\.(ipv4|core)\./, '').toLowerCase();
  if (word.length < SHORTEST) return null;
  const speaks = (text: string) => codeOf(text).some((code) => wordsOf(code).includes(word));
  const concerned = SUBJECTS.filter((subject) => textsOf(subject).some(speaks));
  if (concerned.length === 0) return null;
  const myths = concerned.flatMap(({ id, myths: all }) =>
    all
      .filter(({ claim, truth }) => speaks(claim) || speaks(truth))
      .map((myth) => ({ ...myth, subject: id })),
  );
  return { kind: 'topic', name: word, myths, subjects: concerned.map(({ id }) => id) };
}

/** Shorter words are found by chance. */
const SHORTEST = 4;

function textsOf(subject: Subject): string[] {
  const blocks = [
    ...subject.meaning,
    ...subject.normal,
    ...(subject.kind === 'state'
      ? [subject.lasts, ...subject.fault]
      : [...subject.reported, ...subject.causes, ...subject.limits, ...subject.fix.first]),
  ];
  const myths = subject.myths.flatMap(({ claim, truth }) => [claim, truth]);
  return [...blocks.flatMap(blockTexts), ...myths];
}

function blockTexts(block: Block): readonly string[] {
  if (typeof block === 'string') return [block];
  return 'list' in block ? block.list : block.rows.flat();
}

/** What stands between backticks: the words that one can type. */
function codeOf(text: string): string[] {
  return text.split('`').filter((_, index) => index % 2 === 1);
}

function wordsOf(code: string): string[] {
  const words = code.toLowerCase().split(/[^a-z0-9_.-]+/);
  return words.map((word) => word.replace(/^net\.(ipv4|core)\./, ''));
}
