import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseStat } from '../kernel/procfs/stat.ts';
import { readProcText } from '../kernel/procfs/read-proc.ts';

const PRELOAD = fileURLToPath(new URL('../preload/', import.meta.url));
export const NODE_PRELOAD = join(PRELOAD, 'node/preload.cjs');
const PYTHON_FILES = ['sitecustomize.py', 'lastack_recorder.py'];

/** There is no place for the records: the message says where, and errno's name. */
export class NoFolder extends Error {}

/** `lastack-run-PIDNS-PID-START-RANDOM`: whose it is, for good. */
const NAME = /^lastack-run-(\d+)-(\d+)-(\d+)-\w+$/;

/** The private folder of one run: the records, and the files that Python loads. Disposed, it is gone. */
export class RunFolder implements Disposable {
  readonly path: string;
  /** What goes first in PYTHONPATH. A copy, so that compiled files go with it. */
  readonly python: string;

  /** @throws {NoFolder} */
  constructor(parent = tmpdir()) {
    this.path = makeFolder(parent);
    this.python = join(this.path, 'python');
    mkdirSync(this.python, 0o700);
    for (const file of PYTHON_FILES) {
      copyFileSync(join(PRELOAD, 'python', file), join(this.python, file));
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}

function makeFolder(parent: string): string {
  try {
    removeStale(parent);
    const name = `lastack-run-${pidNamespace()}-${process.pid}-${startOf(process.pid) ?? 0}-`;
    return mkdtempSync(join(parent, name));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new NoFolder(`${parent}: ${code}`);
  }
}

/** Removes our user's folders whose lastack was killed. */
function removeStale(parent: string): void {
  const namespace = pidNamespace();
  for (const name of readdirSync(parent)) {
    const [, itsNamespace, pid, start] = NAME.exec(name) ?? [];
    if (Number(itsNamespace) !== namespace || startOf(Number(pid)) === Number(start)) continue;
    const path = join(parent, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true || stat.uid !== process.geteuid?.()) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Its command may still be at work there: the next run will.
    }
  }
}

/** A pid means something in its namespace only, and containers may share /tmp. */
function pidNamespace(): number {
  return Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]);
}

function startOf(pid: number): number | null {
  const text = readProcText(`/proc/${pid}/stat`);
  const stat = text.kind === 'ok' ? parseStat(text.value) : text;
  return stat.kind === 'ok' ? stat.value.startTicks : null;
}
