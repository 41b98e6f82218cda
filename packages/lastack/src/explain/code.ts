/** Source text as it stands in ours: without the first line break and the indentation that all lines share. */
export function code(strings: TemplateStringsArray): string {
  const lines = strings[0].replace(/^\n/, '').replace(/\n *$/, '').split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/));
  const shared = Math.min(...indents);
  return lines.map((line) => line.slice(shared)).join('\n');
}
