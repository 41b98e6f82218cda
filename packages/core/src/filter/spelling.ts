/** The candidates that a misspelt word may have meant, nearest first: at most two edits away, or beginning with it. */
export function nearMatches(word: string, candidates: readonly string[]): readonly string[] {
  const wanted = squash(word);
  const near = new Map<string, number>();
  for (const candidate of candidates) {
    const name = squash(candidate);
    const distance =
      wanted.length > 1 && name.startsWith(wanted) ? 1 : editDistance(wanted, name, 2);
    if (distance <= 2 && distance < name.length / 2) near.set(candidate, distance);
  }
  return [...near.keys()].toSorted((a, b) => (near.get(a) ?? 0) - (near.get(b) ?? 0)).slice(0, 3);
}

/** A name without what spellings differ in: letter case, `-`, `_`. */
export function squash(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Levenshtein's distance; `limit + 1` as soon as the lengths alone exceed the limit, so that long input costs nothing. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}
