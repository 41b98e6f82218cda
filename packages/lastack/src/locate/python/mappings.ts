/** A mapped file, one line of /proc/PID/maps: proc_pid_maps(5). */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** Where in the file it begins, bytes. */
  readonly offset: number;
  readonly inode: number;
  /** ` (deleted)` at its end is left out. */
  readonly path: string;
}

const LINE = /^([\da-f]{1,16})-([\da-f]{1,16}) \S{4} ([\da-f]{1,16}) \S+ (\d{1,20})\s+(\/.*)$/;
const DELETED = ' (deleted)';

/** Parses the lines that name a file; anonymous memory, `[stack]` and what is not such a line are left out. */
export function parseMappings(text: string): Mapping[] {
  return text.split('\n').flatMap((line) => {
    const [, start, end, offset, inode, name] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    const deleted = name.endsWith(DELETED);
    return {
      start: Number.parseInt(start, 16),
      end: Number.parseInt(end, 16),
      offset: Number.parseInt(offset, 16),
      inode: Number(inode),
      // fs/seq_file.c writes a line feed in a name as \012.
      path: (deleted ? name.slice(0, -DELETED.length) : name).replaceAll('\\012', '\n'),
    };
  });
}
