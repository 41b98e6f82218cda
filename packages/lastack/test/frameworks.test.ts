import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { FixStep, Location } from '@lastack/core';
import { FRAMEWORK_PROGRAMS, type FrameworkProgram } from './frameworks.ts';
import { until } from './kit/condition.ts';
import { ENTRY, runLastack } from './kit/lastack.ts';
import { collect, type Namespace } from './kit/netns.ts';
import { childrenOf } from './kit/procfs.ts';
import { startProgram } from './kit/program.ts';
import { namespaceOrSkip, reportOf } from './kit/run.ts';
import { readSockets } from './kit/sockets.ts';

const PORT = 7000;
const PEER_PORT = 7001;
/** Of a leak that shows as CLOSE-WAITs, and of one that uses up the descriptors: see DESCRIPTORS. */
const FEW = 3;
const MANY = 36;
const DESCRIPTORS = 64;
const UPLOAD = 120_000;
/** What the programs use as keys, paths and names of users: data, which must not be told. */
const DATA = /(?:service|customer)-\d/;

const RECORDED = FRAMEWORK_PROGRAMS.filter(({ made }) => made !== undefined);

describe.concurrent('doctor --attach leads to the own line of a program that leaks', () => {
  for (const program of FRAMEWORK_PROGRAMS) {
    test(`in ${program.name}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      const { pid } = await startLeak(namespace, program, startProgram);
      const finding = await findingOf(namespace, program, pid);
      // Lines of packages are not the user's.
      expect(finding.locations.filter(({ file }) => !isOwn(file, program))).toEqual([]);
      const told = finding.locations.map((location) => describeLine(location));
      for (const line of program.attach) expect(told).toContain(line);
      const { note = /^/, fix = '' } = program;
      expect([...finding.notes, '']).toContainEqual(expect.stringMatching(note));
      expect(finding.fix.steps[0].text).toContain(fix);
    });
  }
});

describe.concurrent('run tells the own line that made the connections of a program that leaks', () => {
  for (const program of RECORDED.filter(({ rule }) => rule === 'close-wait-leak')) {
    test(`in ${program.name}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      const { watcher, output } = await startLeak(namespace, program, startUnderRun);
      process.kill(watcher, 'SIGTERM');
      const { findings } = reportOf(await output);
      expect(JSON.stringify(findings)).not.toMatch(DATA);
      const leak = findings.find((finding) => 'kind' in finding && finding.kind === 'close-wait');
      expect(leak).toMatchObject({ count: FEW });
      const { locations } = leak as { readonly locations: readonly Location[] };
      expect(locations.map(describeLine)).toEqual([`created: ${program.made}`]);
    });
  }
});

describe.concurrent('the doctor tells that line of a program under run, without --attach', () => {
  for (const program of RECORDED.filter(({ rule }) => rule === 'fd-limit-near')) {
    test(`in ${program.name}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      const { pid } = await startLeak(namespace, program, startUnderRun);
      const { locations } = await findingOf(namespace, program, pid, []);
      const told = locations.filter(({ file }) => isOwn(file, program)).map(describeLine);
      expect(told).toContain(`created: ${program.made}`);
    });
  }
});

/** Starts the program and its peer, and makes it leak. */
async function startLeak<Started extends { readonly pid: number }>(
  namespace: Namespace,
  { name, peer, kib = 160, visits, rule }: FrameworkProgram,
  start: (namespace: Namespace, name: string, args: readonly number[]) => Promise<Started>,
): Promise<Started> {
  await (peer === 'silent'
    ? startProgram(namespace, 'silent-server.py', [PEER_PORT])
    : startProgram(namespace, 'frameworks/peer.mjs', [peer, PEER_PORT, kib]));
  const isNear = rule === 'fd-limit-near';
  const count = isNear ? MANY : FEW;
  const args = visits === 'none' ? [PEER_PORT, count] : [PORT, PEER_PORT];
  const program = await start(namespace, `frameworks/${name}.mjs`, args);
  if (visits === 'uploads') {
    await startProgram(namespace, 'leave-upload.py', ['127.0.0.1', PORT, count, UPLOAD]);
  }
  if (visits === 'requests') {
    const paths = Array.from({ length: count }, (_, i) => `status/service-${i}`);
    await startProgram(namespace, 'frameworks/visitor.mjs', [PORT, ...paths]);
  }
  if (isNear) {
    await namespace.do('prlimit', [`--pid=${program.pid}`, `--nofile=${DESCRIPTORS}`]);
    return program;
  }
  await until(
    () => readSockets(namespace).filter(({ state }) => state === 'CLOSE-WAIT').length >= count,
    `the leak of ${name}`,
  );
  return program;
}

/** As `startProgram()`, with `lastack run`. */
async function startUnderRun(namespace: Namespace, name: string, args: readonly number[]) {
  const line = [ENTRY, 'run', '--json', '--grace', '1ms', '--', process.execPath];
  const child = namespace.spawn(process.execPath, [...line, pathOf(name), ...args.map(String)]);
  if (child.pid === undefined) throw new Error('lastack did not start');
  let isReady = false;
  child.stdout.on('data', (data: Buffer) => (isReady ||= /^ready/m.test(data.toString())));
  const output = collect(child);
  await until(() => isReady, `${name} to be ready under lastack run`);
  const [pid] = childrenOf(child.pid);
  return { pid, watcher: child.pid, output };
}

interface Finding {
  readonly rule: string;
  readonly owners: readonly { readonly pid: number }[];
  readonly locations: readonly Location[];
  readonly notes: readonly string[];
  readonly fix: { readonly steps: readonly FixStep[] };
}

async function findingOf(
  namespace: Namespace,
  { rule, watch = '1s' }: FrameworkProgram,
  holder: number,
  options: readonly string[] = ['--attach'],
): Promise<Finding> {
  let last = '';
  return until(
    async () => {
      const args = ['doctor', '--json', '--for', watch, ...options];
      last = (await runLastack(args, { namespace })).stdout;
      expect(last).not.toMatch(DATA);
      const { findings } = JSON.parse(last) as { readonly findings: readonly Finding[] };
      return findings.find(
        (finding) => finding.rule === rule && finding.owners.some(({ pid }) => pid === holder),
      );
    },
    () => `the finding ${rule}; the doctor said ${last}`,
    { withinMs: 60_000 },
  );
}

/** `held: const answers = [];`: the role, and the line. */
function describeLine({ role, file, line }: Location): string {
  const text = readFileSync(pathOf(`frameworks/${basename(file)}`), 'utf8').split('\n')[line - 1];
  return `${role}: ${text.trim()}`;
}

function pathOf(program: string): string {
  return fileURLToPath(new URL(`programs/${program}`, import.meta.url));
}

function isOwn(file: string, { name }: FrameworkProgram): boolean {
  return basename(file) === `${name}.mjs`;
}
