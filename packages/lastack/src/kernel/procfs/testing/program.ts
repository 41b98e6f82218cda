import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'vitest';

/** A child process of a test that has said that it is ready; it ends with the `using` block. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** The rest of its first line. */
  readonly ready: string;
}

/**
 * Starts a program and waits for its first line, `ready …`. Its stdin stays open and empty.
 * @returns null when the command is not installed or says something else
 */
export async function startProgram(
  command: string,
  args: readonly string[],
): Promise<Program | null> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const failed = once(child, 'error').then(() => null);
  const ended = Promise.race([once(child, 'exit'), failed]);
  const first = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => null),
  ]);
  const line = String(first?.[0] ?? '');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  if (child.pid === undefined || !line.startsWith('ready')) {
    await stop();
    return null;
  }
  return { pid: child.pid, ready: line.slice('ready'.length).trim(), [Symbol.asyncDispose]: stop };
}

/** Starts a Python program; `ready()` in it says that it is. Without Python, the test is skipped. */
export async function startPython(ctx: TestContext, source: string): Promise<Program> {
  const prelude = `
import os, select, socket, subprocess, sys, threading, time
def ready(*words): print('ready', *words, flush=True)
`;
  const program = await startProgram('python3', ['-c', prelude + source]);
  return program ?? ctx.skip('python3 does not run here: install it');
}
