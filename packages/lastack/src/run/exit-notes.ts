import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRecord } from '../locate/recorded/read-record.ts';
import type { Leak } from './leak.ts';

// Read first: preload/node/exit-note.cjs and preload/python/lastack_recorder.py, which write the notes.

/** What the programs of a run say they had open when they ended by themselves. */
export function readExitNotes(folder: string): Leak[] {
  return readdirSync(folder).flatMap((name) => {
    const pid = /^(\d+)\.exit$/.exec(name)?.[1];
    if (pid === undefined) return [];
    const note = readFileSync(join(folder, name), 'utf8');
    return parseExitNote(note, Number(pid)).map((leak) => ({
      ...leak,
      stack: readRecord(folder, leak),
    }));
  });
}

/** The name of the program, then a line for each socket: fd, inode, address and port of the peer. */
export function parseExitNote(text: string, pid: number): Omit<Leak, 'stack'>[] {
  const [command, ...lines] = text.split('\n');
  return lines.flatMap((line) => {
    const match = /^(\d{1,9})\t(\d{1,15})\t([\da-fA-F.:%]+)\t(\d{1,5})$/.exec(line);
    if (match === null) return [];
    const [, fd, inode, address, port] = match;
    return [
      {
        kind: 'open-at-exit' as const,
        pid,
        command: command.replaceAll(/[^\w.+-]/g, '\uFFFD'),
        fd: Number(fd),
        inode: Number(inode),
        peer: { address, port: Number(port) },
        ms: null,
      },
    ];
  });
}
