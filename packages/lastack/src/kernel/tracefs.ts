import * as fs from 'node:fs';
import { join } from 'node:path';
import { seen, unavailable, type Observation } from '@lastack/core';

const ROOTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
const PREFIX = 'lastack-';
const READ_NOW = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

/** A tracing instance of our own: its events and buffers are no one else's. */
export interface TracefsInstance extends Disposable {
  /** Where its files are. */
  readonly folder: string;
  /** One for each processor: raw pages of its buffer. */
  readonly pipes: readonly number[];
  readonly pageBytes: number;
}

/**
 * Makes `instances/lastack-PID`, and removes those that a lastack which was killed has left.
 *
 * @param files what to write into which of its files, in order
 */
export function openTracefsInstance(
  files: Readonly<Record<string, string>>,
): Observation<TracefsInstance> {
  const root = ROOTS.find((path) => fs.existsSync(join(path, 'instances')));
  if (root === undefined) {
    return unavailable(
      'tracefs is not to be seen',
      'run as root, and mount it: mount -t tracefs tracefs /sys/kernel/tracing',
    );
  }
  const folder = join(root, 'instances', `${PREFIX}${process.pid}`);
  const pipes: number[] = [];
  try {
    removeStale(join(root, 'instances'));
    fs.mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(join(folder, file), text);
    for (const name of fs.readdirSync(join(folder, 'per_cpu'))) {
      pipes.push(fs.openSync(join(folder, 'per_cpu', name, 'trace_pipe_raw'), READ_NOW));
    }
    return seen({
      folder,
      pipes,
      pageBytes: pageBytesOf(folder),
      [Symbol.dispose]: () => remove(folder, pipes),
    });
  } catch (error) {
    remove(folder, pipes);
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    return unavailable(`tracefs refuses an instance of our own (${code})`, 'run as root');
  }
}

function pageBytesOf(folder: string): number {
  try {
    return Number(fs.readFileSync(join(folder, 'buffer_subbuf_size_kb'), 'utf8')) * 1024;
  } catch {
    // Before Linux 6.8 a page of the buffer is a page of memory.
    return 4096;
  }
}

function removeStale(instances: string): void {
  for (const name of fs.readdirSync(instances)) {
    const pid = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : '';
    if (/^\d+$/.test(pid) && !fs.existsSync(`/proc/${pid}`)) remove(join(instances, name), []);
  }
}

function remove(folder: string, pipes: readonly number[]): void {
  for (const fd of pipes) fs.closeSync(fd);
  try {
    fs.rmdirSync(folder);
  } catch {
    // It was never made, or somebody reads it: the next start tries again.
  }
}
