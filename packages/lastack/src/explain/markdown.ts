import type { Block } from './subject.ts';

const WIDTH = 120;
/** At the beginning of a line these would make a list, a heading or a table of a mere word. */
const MARKER = /^([-+*>|#]|\d+[.)])/;

/** Paragraphs, lists and tables as Markdown, in lines that a person can read. */
export function blocksMarkdown(blocks: readonly Block[]): string {
  return blocks.map(blockMarkdown).join('\n\n');
}

export function paragraph(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const isFull = line.length + 1 + word.length > WIDTH - indent.length;
    if (line !== '' && isFull && !MARKER.test(word)) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
}

export function item(text: string): string {
  return `- ${paragraph(text, '  ')}`;
}

/** Words that are not Markdown, but for the marks of code: nothing in them may become emphasis. */
export function verbatim(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[*<]/g, String.raw`\$&`)))
    .join('`');
}

/** The doctor's half sentence as a whole one. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

export function fence(language: string, code: string): string {
  return `\`\`\`${language}\n${code}\n\`\`\``;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function blockMarkdown(block: Block): string {
  if (typeof block === 'string') return paragraph(block);
  if ('list' in block) return block.list.map(item).join('\n');
  return table(block.head, block.rows);
}
