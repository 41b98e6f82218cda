import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, type TestContext } from 'vitest';
import { findPython } from './installed.ts';
import { runLastack } from './lastack.ts';
import { openNamespace, type Namespace, type Output } from './netns.ts';
import { orSkip } from './or-skip.ts';
import { schemaErrors } from './schema.ts';

const PROGRAMS = fileURLToPath(new URL('../programs/run/', import.meta.url));

/** What `lastack run --json` says. */
export interface RunReport {
  readonly status: number;
  readonly signal: string | null;
  readonly findings: readonly object[];
}

/** The command line of a program of `programs/run/`. */
export function commandOf(program: string, ...args: readonly (string | number)[]): string[] {
  const interpreter = program.endsWith('.py') ? (findPython('python3') ?? '') : process.execPath;
  return [interpreter, `${PROGRAMS}${program}`, ...args.map(String)];
}

/** The location that lastack must give: the line of the program that says `made here`. */
export async function makerIn(program: string, maker: string): Promise<object> {
  const file = `${PROGRAMS}${program}`;
  const lines = (await readFile(file, 'utf8')).split('\n');
  const line = lines.findIndex((text) => text.endsWith('made here')) + 1;
  return { role: 'created', file, line, function: maker, evidence: 'recorded by lastack run' };
}

/**
 * Runs a command under lastack to its end, and demands that no folder is left.
 * @param parent where to make a private TMPDIR
 */
export async function runUnder(
  { namespace, parent }: { readonly namespace: Namespace; readonly parent: string },
  options: readonly string[],
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Output> {
  const folder = await mkdtemp(join(parent, 'tmp-'));
  const output = await runLastack(['run', ...options, '--', ...command], {
    namespace,
    env: { ...env, TMPDIR: folder },
  });
  expect(await readdir(folder)).toEqual([]);
  return output;
}

export function reportOf({ stdout }: Pick<Output, 'stdout'>): RunReport {
  const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as RunReport;
  expect(schemaErrors('run', report)).toBeNull();
  return report;
}

export async function namespaceOrSkip(ctx: TestContext): Promise<Namespace> {
  return orSkip(ctx, openNamespace());
}
