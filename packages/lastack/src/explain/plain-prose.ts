/** Markdown of a paragraph as a terminal shows it: code, emphasis and links without their marks. */
export function plainProse(prose: string): string {
  return prose
    .split('`')
    .map((part, index) => (index % 2 === 1 ? part : withoutMarks(part)))
    .join('');
}

function withoutMarks(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/\*\*?/g, '');
}
