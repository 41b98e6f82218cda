import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, type FixtureProject, openFixtureProject } from './kit/fixture-project.ts';

interface JsonReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: 'passed' | 'failed' | 'skipped';
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const CONFIG = `export default {
  test: { include: [process.env.SUITE ?? '*.vitest.ts'], setupFiles: ['./setup.vitest.ts'], reporters: ['default', 'json'],
    outputFile: { json: 'report.json' } },
};`;

let project: FixtureProject;

beforeAll(async () => {
  project = await openFixtureProject();
  await project.write('vitest.config.mjs', CONFIG);
});

afterAll(async () => {
  await project[Symbol.asyncDispose]();
});

async function runVitest(
  suite: string,
  options = '{ settleMs: 400 }',
  ...args: readonly string[]
): Promise<Ended & { readonly tests: ReadonlyMap<string, string>; readonly file: string }> {
  await project.write(
    'setup.vitest.ts',
    `import { leakGuard } from '@lastack/net/vitest';\nleakGuard(${options});\n`,
  );
  const ended = await project.run('node_modules/vitest/vitest.mjs', 'run', suite, ...args);
  const report = await readFile(join(project.folder, 'report.json'), 'utf8').catch(() => {
    throw new Error(`vitest made no report: ${ended.output}`);
  });
  const [result] = (JSON.parse(report) as JsonReport).testResults;
  return {
    ...ended,
    tests: new Map(
      result?.assertionResults.map(({ title, status, failureMessages }) => [
        title,
        status !== 'failed' ? '' : failureMessages.join('\n'),
      ]),
    ),
    file: result?.message ?? '',
  };
}

function failed(tests: ReadonlyMap<string, string>): string[] {
  return [...tests].filter(([, failure]) => failure !== '').map(([title]) => title);
}

describe('leakGuard() of vitest', () => {
  it('fails the tests that leave a socket open, those only, and names each line', async () => {
    const { status, output, tests } = await runVitest('leaky.vitest.ts');
    const leaks = await project.leaksOf('leaky.vitest.ts');
    const itself = 'fails by itself, which is enough';
    expect(status).toBe(1);
    expect(failed(tests).toSorted(), output).toEqual([...leaks.keys(), itself].toSorted());
    for (const [title, lines] of leaks) {
      expect(tests.get(title), title).toContain(
        lines.length === 1 ? '1 socket was left open' : `${lines.length} sockets were left open`,
      );
      for (const line of lines) expect(tests.get(title), title).toContain(line);
    }
    expect(tests.get(itself)).not.toContain('left open');
    expect(output).toMatch(
      /^ +\d+\| +const socket = net\.connect\(of\(echo\)\); \/\/ leak: a connection\n +\| +\^$/m,
    );
  });

  it('says what each was', async () => {
    const only = 'a (TLS|Unix) connection|a listener|a fetch whose';
    const { tests } = await runVitest('leaky.vitest.ts', '{ settleMs: 50 }', '-t', only);
    expect(tests.get('a TLS connection')).toMatch(/^ {2}tls 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+ /m);
    expect(tests.get('a Unix connection')).toMatch(/^ {2}pipe \(descriptor \d+\)$/m);
    expect(tests.get('a listener')).toMatch(/^ {2}listener 127\.0\.0\.1:\d+ \(descriptor \d+\)$/m);
    expect(tests.get('a fetch whose body is not read')).toContain('response.body?.cancel()');
  });

  it('fails the file for what no test made, and is open at its end', async () => {
    const { status, output, tests } = await runVitest('left-by-file.vitest.ts');
    const [line] = (await project.leaksOf('left-by-file.vitest.ts')).get('file') ?? [];
    expect(status).toBe(1);
    expect(failed(tests)).toEqual([]);
    expect(output).toContain('2 sockets were left open');
    expect(output).toContain(`accepted by the listener made at ${line}`);
    expect(output).toContain(', while the test "a server side that forgets its connections" ran');
  });

  it('looks only at the end of the file, when asked', async () => {
    const { status, output, tests } = await runVitest('leaky.vitest.ts', "{ per: 'file' }");
    expect(status).toBe(1);
    expect(failed(tests)).toEqual(['fails by itself, which is enough']);
    expect(output).toContain('1 socket was left open\n');
    expect(output).toContain(', in the test "leaves > a listener"');
  });

  it('counts idle connections of pools, when asked', async () => {
    const { tests } = await runVitest('leaky.vitest.ts', "{ pooled: 'fail', settleMs: 50 }");
    expect(tests.get('nothing of http.Agent, which keeps it too')).toContain('idle in a pool');
    expect(tests.get('nothing of fetch, which keeps the connection for the next')).toContain(
      'idle in a pool',
    );
  });

  it('is silent about what it was told to ignore', async () => {
    const ignoreAll = '{ ignore: ({ kind, test }) => kind !== "listener", settleMs: 50 }';
    const { tests } = await runVitest('leaky.vitest.ts', ignoreAll);
    expect(failed(tests)).toEqual(['a listener', 'fails by itself, which is enough']);
  });
});
