import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PROGRAM_ENV } from './installed.ts';
import { collect, type Namespace, type Output } from './netns.ts';

export interface LastackOptions {
  /** Where to run it; the tests' own network namespace by default. */
  readonly namespace?: Namespace;
  /** Added to the environment, which has `NO_COLOR=1`. */
  readonly env?: NodeJS.ProcessEnv;
  /** The ordinary user to run it as; needs root, and a namespace that root opened. */
  readonly uid?: number;
  readonly input?: string;
}

export const ENTRY = fileURLToPath(new URL('../../bin/lastack.cjs', import.meta.url));
/** Makes a run that leaks a descriptor end with 99. */
export const LEAK_CHECK = fileURLToPath(new URL('leak-check.cjs', import.meta.url));

/** Runs the built program to its end. */
export async function runLastack(
  args: readonly string[],
  { namespace, env, uid, input = '' }: LastackOptions = {},
): Promise<Output> {
  const line = ['--require', LEAK_CHECK, ENTRY, ...args];
  const options = { env: { ...PROGRAM_ENV, NO_COLOR: '1', ...env }, stdio: 'pipe' as const };
  const identity = uid === undefined ? {} : { uid, gid: uid };
  const child =
    namespace === undefined
      ? spawn(process.execPath, line, { ...options, ...identity })
      : namespace.spawn(process.execPath, line, {
          env: options.env,
          ...(uid !== undefined && { uid }),
        });
  // It may end before it has read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return collect(child);
}
