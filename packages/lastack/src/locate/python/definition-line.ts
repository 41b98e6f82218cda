const LONGEST_LINE = 1000;

/**
 * The line of a module's source on which a global variable is bound, counted from 1; null where none is plain to see. An
 * assignment at the left edge counts before one in a branch of the module, or in a function that says `global name`; text in
 * triple quotes does not count.
 */
export function definitionLine(source: string, name: string): number | null {
  const binds = new RegExp(
    `^(\\s*)(?:(?:[\\w.]+\\s*,\\s*)*${name}\\s*(?:,[^=]*|:[^=]*)?=(?!=)|(?:async\\s+)?(?:with|for)\\b.*\\b${name}\\b.*:|(?:async\\s+)?(?:def|class)\\s+${name}\\b)`,
  );
  const declares = new RegExp(`^\\s+global\\b.*\\b${name}\\b`);
  let quote: string | null = null;
  let inFunction = false;
  let declared = false;
  let inner: number | null = null;
  for (const [index, whole] of source.split('\n').entries()) {
    const line = whole.slice(0, LONGEST_LINE);
    if (quote === null) {
      if (/^[^\s#)\]}]/.test(line)) {
        inFunction = /^(?:async\s+def|def|class|@)/.test(line);
        declared = false;
      }
      if (declares.test(line)) declared = true;
      const indent = binds.exec(line)?.[1];
      if (indent === '') return index + 1;
      if (indent !== undefined && (!inFunction || declared)) inner ??= index + 1;
    }
    quote = quoteAfter(line, quote);
  }
  return inner;
}

/** The triple quote that is open at the end of a line. */
function quoteAfter(line: string, before: string | null): string | null {
  let quote = before;
  const marks = quote === null ? line.replace(/#[^'"]*$/, '') : line;
  for (const [mark] of marks.matchAll(/"""|'''/g)) {
    if (quote === null) quote = mark;
    else if (quote === mark) quote = null;
  }
  return quote;
}
