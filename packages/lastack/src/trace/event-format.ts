/** The fields of a trace event, from its `format` file: bytes from the start of the event, by name. */
export interface EventFormat {
  readonly id: number;
  readonly offsets: Readonly<Record<string, number>>;
}

/**
 * @param text `ID: 1501`, then lines like `field:__u16 sport;	offset:24;	size:2;	signed:0;`
 * @param wanted the fields that must be there
 * @returns null when one is not
 */
export function parseEventFormat(text: string, wanted: readonly string[]): EventFormat | null {
  const id = /^ID: (\d+)$/m.exec(text)?.[1];
  const offsets: Record<string, number> = {};
  for (const [, name, offset] of text.matchAll(/field:[^;]*?(\w+)(?:\[\d+\])?;\s*offset:(\d+);/g)) {
    offsets[name] = Number(offset);
  }
  if (id === undefined || wanted.some((name) => offsets[name] === undefined)) return null;
  return { id: Number(id), offsets };
}
