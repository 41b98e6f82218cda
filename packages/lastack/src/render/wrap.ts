import { printable } from '@lastack/core';

/**
 * Breaks a text at spaces into lines of at most `width` characters; a longer word keeps a line of its own. Whatever a terminal
 * would obey is made harmless: texts hold names that programs chose.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
