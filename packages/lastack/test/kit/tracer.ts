import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { PROGRAM_ENV } from './installed.ts';
import { until } from './condition.ts';
import { ENTRY, LEAK_CHECK } from './lastack.ts';
import { collect, NamespaceUnavailable, type Namespace, type Output } from './netns.ts';

export interface TracerOptions {
  readonly uid?: number;
  /** Mounts tracefs where only the tracer sees it, and traces by it. */
  readonly tracefs?: boolean;
}

/** A running `lastack trace`. Its namespace ends it. */
export interface Tracer {
  readonly pid: number;
  /** What it has printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Output>;
  /** Ctrl-C. */
  stop(signal?: NodeJS.Signals): Promise<Output>;
}

const MOUNT = 'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"';

/** Starts it and waits until it traces. */
export async function startTracer(
  ns: Namespace,
  args: readonly string[],
  { uid, tracefs = false }: TracerOptions = {},
): Promise<Tracer> {
  const line = [process.execPath, '--require', LEAK_CHECK, ENTRY, 'trace', ...args];
  const [command, ...rest] = tracefs
    ? ['unshare', '--mount', 'sh', '-c', MOUNT, 'sh', ...line, '--with', 'tracefs']
    : line;
  const child = ns.spawn(command, rest, {
    env: { ...PROGRAM_ENV, NO_COLOR: '1' },
    ...(uid !== undefined && { uid }),
  });
  if (child.pid === undefined) throw new NamespaceUnavailable('nsenter does not run');
  const { pid } = child;
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = collect(child);
  await until(
    () => stderr.includes('Ctrl-C ends it') || child.exitCode !== null,
    'the trace to begin',
  );
  if (child.exitCode !== null) throw new Error(`lastack trace has ended: ${stderr}`);
  return {
    pid,
    child,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    stop(signal = 'SIGINT') {
      child.kill(signal);
      return ended;
    },
  };
}
