import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, type FixtureProject, openFixtureProject } from './kit/fixture-project.ts';

let project: FixtureProject;

beforeAll(async () => {
  project = await openFixtureProject();
});

afterAll(async () => {
  await project[Symbol.asyncDispose]();
});

async function runNodeTest(...args: readonly string[]): Promise<Ended> {
  return project.run('--test', '--test-reporter=tap', ...args);
}

const GUARD = '--import=@lastack/net/node-test';

/** What TAP says of each test: '' when it passed. */
function resultsOf(output: string): ReadonlyMap<string, string> {
  const parts = output.split(/^(?= *(?:not )?ok \d+ - )/m).slice(1);
  return new Map(
    parts.map((part) => {
      const [, not, title = ''] = /^ *(not )?ok \d+ - (.+)$/m.exec(part) ?? [];
      return [title, not === undefined ? '' : part];
    }),
  );
}

/** Tests that failed by themselves, not because of one in them. */
function failed(results: ReadonlyMap<string, string>): string[] {
  return [...results]
    .filter(([, failure]) => failure !== '' && !failure.includes("'subtestsFailed'"))
    .map(([title]) => title);
}

describe('the leak guard of node:test', () => {
  it('fails the tests that leave a socket open, those only, and names each line', async () => {
    const { status, output } = await runNodeTest(GUARD, 'leaky.node-test.mjs');
    const results = resultsOf(output);
    const leaks = await project.leaksOf('leaky.node-test.mjs');
    const itself = 'fails by itself, which is enough';
    expect(status, output).toBe(1);
    expect(failed(results).toSorted(), output).toEqual([...leaks.keys(), itself].toSorted());
    for (const [title, lines] of leaks) {
      expect(results.get(title)).toContain('1 socket was left open by the test ');
      for (const line of lines) expect(results.get(title), title).toContain(line);
    }
    expect(results.get(itself)).not.toContain('left open');
  });

  it('fails the file for what no test made, and lets it end', async () => {
    const { status, output } = await runNodeTest(GUARD, 'left-by-file.node-test.mjs');
    const [line] = (await project.leaksOf('left-by-file.node-test.mjs')).get('file') ?? [];
    expect(status, output).toBe(1);
    expect(output).toContain('2 sockets were left open');
    expect(output).toContain(`accepted by the listener made at ${line}`);
    expect(output).toMatch(/^ok 1 - a server side that forgets its connections$/m);
  });

  it('works in a file that is run without --test', async () => {
    const { status, output } = await project.run(
      GUARD,
      '--test-reporter=tap',
      'left-by-file.node-test.mjs',
    );
    expect(status, output).toBe(1);
    expect(output).toContain('2 sockets were left open');
  });

  it('is installed by an import, with options', async () => {
    await project.write(
      'options.mjs',
      `import net from 'node:net';
import { test } from 'node:test';
import { leakGuard } from '@lastack/net/node-test';
leakGuard({ settleMs: 50, ignore: ({ kind }) => kind === 'listener' });
test('a listener', (t, done) => { net.createServer().listen(0, done).unref(); });
test('nothing', () => {});
`,
    );
    const { status, output } = await runNodeTest('options.mjs');
    expect(status, output).toBe(0);
    expect(output).toMatch(/^# pass 2$/m);
  });

  it('says nothing of files without sockets', async () => {
    await project.write('plain.mjs', "import { test } from 'node:test';\ntest('plain', () => {});");
    const { status, output } = await runNodeTest(GUARD, 'plain.mjs');
    expect(status, output).toBe(0);
    expect(output).toMatch(/^# tests 1$/m);
  });
});
