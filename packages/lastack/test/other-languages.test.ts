import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, type TestContext } from 'vitest';
import { until } from './kit/condition.ts';
import { isInstalled, PROGRAM_ENV } from './kit/installed.ts';
import { runLastack } from './kit/lastack.ts';
import { visit } from './kit/visit.ts';

/** A program of `programs/other-languages/` whose handlers sleep, and what the doctor must say of it. */
interface Language {
  readonly file: string;
  /** Builds and runs it. */
  readonly needs: string;
  readonly build?: (file: string, program: string) => readonly [string, ...string[]];
  readonly run: (file: string, program: string) => readonly [string, ...string[]];
  /** What its threads are seen to do. */
  readonly why: RegExp;
  /** The command for that process. */
  readonly tool: string;
  /** Where the tool is installed it is run, and must show the line `executing here`. */
  readonly shows?: { readonly command: string; readonly text: (line: number) => string };
  /** How long the doctor must look; Go probes each connection (keepalive), which hides its age. */
  readonly lookFor?: string;
}

const LANGUAGES: readonly Language[] = [
  {
    file: 'leak.c',
    needs: 'cc',
    build: (file, program) => ['cc', '-g', '-o', program, file],
    run: (_, program) => [program],
    why: /sleeps \(clock_nanosleep\)/,
    tool: 'eu-stack -s -p PID',
    shows: { command: 'eu-stack', text: (line) => `leak.c:${line}` },
  },
  {
    file: 'Leak.java',
    needs: 'jcmd',
    run: (file) => ['java', file],
    why: /threads wait in futex/,
    tool: 'jcmd PID Thread.print',
    shows: { command: 'jcmd', text: (line) => `Leak.java:${line}` },
  },
  {
    file: 'leak.go',
    needs: 'go',
    build: (file, program) => ['go', 'build', '-o', program, file],
    run: (_, program) => [program],
    // Goroutines are no threads; and the FIN may have come with the data, or later.
    why: /does not read the socket any more|has read all that its peer sent/,
    tool: 'dlv attach PID',
    lookFor: '13s',
  },
  {
    file: 'leak.rb',
    needs: 'ruby',
    run: (file) => ['ruby', file],
    why: /threads wait in futex/,
    tool: 'rbspy snapshot --pid PID',
  },
];

const CLIENTS = 4;
const WITHIN_MS = 90_000;

interface Finding {
  readonly rule: string;
  readonly why: string;
  readonly notes: readonly string[];
}

describe.concurrent('the doctor says what threads do, and the command that shows their lines,', () => {
  for (const language of LANGUAGES) {
    test(`of ${language.file}`, { timeout: 2 * WITHIN_MS }, async (ctx) => {
      if (!isInstalled(language.needs)) ctx.skip(`${language.needs} is not installed`);
      await using program = await startLanguage(ctx, language);
      const tool = language.tool.replace('PID', String(program.pid));
      const args = ['doctor', '--json', '--pid', String(program.pid)];
      let last = '';
      const found = await until(
        async () => {
          last = (await runLastack([...args, '--for', language.lookFor ?? '1s'])).stdout;
          const { findings } = JSON.parse(last) as { readonly findings: readonly Finding[] };
          // On a busy machine its threads may not have been seen at rest.
          return findings.find(
            ({ rule, why }) => rule === 'close-wait-leak' && language.why.test(why),
          );
        },
        () => `${language.why.source} of ${language.file}; the doctor said ${last}`,
        { withinMs: WITHIN_MS },
      );
      expect(found.notes.join('\n')).toContain(tool);
      const { shows } = language;
      if (shows === undefined || !isInstalled(shows.command)) return;
      expect(run(tool.split(' '))).toContain(shows.text(lineOf(language.file)));
    });
  }
});

async function startLanguage(
  ctx: TestContext,
  { file, build, run: command }: Language,
): Promise<AsyncDisposable & { readonly pid: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'lastack-language-'));
  const [source, binary] = [pathOf(file), join(folder, 'leak')];
  if (build !== undefined) run(build(source, binary), { GOCACHE: join(folder, 'cache') });
  const [name, ...args] = command(source, binary);
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'ignore'], env: PROGRAM_ENV });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => null),
  ]);
  const [, port] = /^ready (\d+)$/.exec(String(line?.[0])) ?? [];
  if (port === undefined || child.pid === undefined) {
    await stop();
    return ctx.skip(`${name} does not run ${file} here`);
  }
  for (let client = 0; client < CLIENTS; client++) await visit(Number(port));
  return { pid: child.pid, [Symbol.asyncDispose]: stop };
}

function run([name, ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  return execFileSync(name, args, { encoding: 'utf8', env: { ...PROGRAM_ENV, ...env } });
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`programs/other-languages/${file}`, import.meta.url));
}

function lineOf(file: string): number {
  const lines = readFileSync(pathOf(file), 'utf8').split('\n');
  return lines.findIndex((text) => text.endsWith('executing here')) + 1;
}
