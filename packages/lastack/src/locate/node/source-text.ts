/**
 * The source with strings, templates, regular expressions and comments blanked, so that what is left is code; every other
 * character stays where it was. It does not parse: it must only never take text for code where a name is decided by it.
 */
export function blankText(source: string): string {
  return source.replaceAll(TEXT, (text, slash: string | undefined) =>
    slash === undefined ? text.replaceAll(/[^\n]/g, ' ') : slash + blank(text.slice(slash.length)),
  );
}

/** Comments, strings, templates; regular expressions where an operator or keyword stands before them. */
const TEXT =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|([=(,:;!&|?{}]\s*|\breturn\s+)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//g;

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}

/** Longer ones are data more often than names. */
const LONGEST_NAME = 40;

/**
 * Whether the code names a property so (`pool.idle`, `{ idle: [] }`, `#idle`), and did not make the name from data. Keys of
 * a dictionary can be secrets, and must not be shown.
 * @param code as `blankText()` gives it
 */
export function isNameInCode(name: string, code: string): boolean {
  if (name.length > LONGEST_NAME || !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name))
    return false;
  const literal = name.replaceAll('$', String.raw`\$`);
  return new RegExp(
    String.raw`[.#]${literal}(?![\w$])|(?<![\w$.])${literal}(?=\s*[:=(,};])`,
    'u',
  ).test(code);
}

/**
 * Where a variable is declared, as an offset; null when that is nowhere or in several places.
 * @param code as `blankText()` gives it
 */
export function declarationOf(name: string, code: string): number | null {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) return null;
  const literal = name.replaceAll('$', String.raw`\$`);
  const pattern = new RegExp(
    String.raw`(?<![\w$.])(?:(?:const|let|var|using|class|function\*?)\s+|(?:const|let|var)\s*[{[][^=;]*?(?<![\w$]))${literal}(?![\w$])`,
    'gu',
  );
  const [first, second] = code.matchAll(pattern);
  if (first === undefined || second !== undefined) return null;
  return first.index + first[0].length - name.length;
}

/**
 * How many braces are open before an offset, those of the declaration's own pattern (`const { a }`) left out.
 * @param code as `blankText()` gives it
 */
export function depthAt(code: string, offset: number): number {
  const before = code.slice(0, offset).replace(/(?:const|let|var)\s*[{[][^=;]*$/, '');
  let depth = 0;
  for (const brace of before.matchAll(/[{}]/g)) depth += brace[0] === '{' ? 1 : -1;
  return depth;
}
