import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { until } from './kit/condition.ts';
import { PROGRAM_ENV } from './kit/installed.ts';
import { ENTRY } from './kit/lastack.ts';
import { NamespaceUnavailable, openNamespace, type Namespace, type Output } from './kit/netns.ts';
import { openZoo } from './kit/zoo.ts';

const ROOT = new URL('../../../', import.meta.url);
/** A command of a shell block, without the comment behind it. */
const COMMAND = /^lastack ls (?:'[^']*'|[^'#\n])+/gm;
/** The first cell of a row in a table of examples, which is a filter. */
const ROW = /^\| `([^`]+)` +\|/gm;
const EXAMPLES_BELOW = /^\| example +\|.*\n\|[-| ]+\n((?:\|.*\n)+)/gm;

const README = readFileSync(new URL('README.md', ROOT), 'utf8');
const PAGE = readFileSync(new URL('docs/filter.md', ROOT), 'utf8');

/** Texts that ss refuses, and those that it takes, which must find the same sockets. */
const EQUIVALENTS = [
  ['sport = :7100 and state listening', 'state listening sport = :7100'],
  ['not state listening', 'exclude listening'],
  ['dst 127.0.0.0/8 exclude bucket', 'exclude bucket dst 127.0.0.0/8'],
  ['state close-wait and src 127.0.0.1', 'state close-wait src 127.0.0.1'],
  ['state close-wait or state last-ack', 'state close-wait state last-ack'],
  [
    '( state close-wait or state last-ack ) and src [::1]',
    'state close-wait state last-ack src [::1]',
  ],
  ['not ( state connected or state closed )', 'state listening'],
  ['sport > :0 and ( state closing or sport = :1 )', 'state closing sport > :0'],
] as const;

let opened: Namespace | null = null;
let unavailable = '';

beforeAll(async () => {
  try {
    opened = await openNamespace();
    await openZoo(opened);
  } catch (error) {
    if (!(error instanceof NamespaceUnavailable)) throw error;
    unavailable = error.message;
  }
}, 60_000);

afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
});

describe('an example of the documentation', () => {
  for (const command of [...commandsOf(README), ...commandsOf(PAGE)]) {
    test(`runs: ${command}`, async (ctx) => {
      expect(await runInShell(ctx, command)).toMatchObject({ status: 0 });
    });
  }

  for (const filter of filtersOf(PAGE)) {
    test(`runs: ${filter}`, async (ctx) => {
      expect(await runInShell(ctx, `lastack ls "$FILTER"`, filter)).toMatchObject({ status: 0 });
    });
  }
});

test('the page has a dozen examples, and the README some', () => {
  expect(commandsOf(PAGE).length).toBeGreaterThanOrEqual(12);
  expect(filtersOf(PAGE).length).toBeGreaterThanOrEqual(12);
  expect(commandsOf(README).length).toBeGreaterThanOrEqual(2);
});

describe('a state is a condition like the others:', () => {
  for (const [ours, theirs] of EQUIVALENTS) {
    test(`${ours} finds what ss finds with ${theirs}`, async (ctx) => {
      const ns = namespaceOrSkip(ctx);
      let found: readonly string[] = [];
      // A dump may miss a row while sockets come and go elsewhere on the host: see ls.test.ts.
      await until(
        async () => {
          const ls = await runInShell(ctx, 'lastack ls -n -H --no-owners "$FILTER"', ours);
          const ss = await ns.run('ss', ['-tanH', ...theirs.split(' ')]);
          found = endpointsOf(ls.stdout);
          return isDeepStrictEqual(found, endpointsOf(ss.stdout));
        },
        () => `the same rows; ours are ${JSON.stringify(found)}`,
      );
      expect(found.length).toBeGreaterThan(0);
    });
  }
});

function commandsOf(text: string): string[] {
  return [...text.matchAll(COMMAND)].map(([command]) => command.trim());
}

/** The filters in the tables of a page; in a table `|` is written `\|`. */
function filtersOf(text: string): string[] {
  return [...text.matchAll(EXAMPLES_BELOW)].flatMap(([, rows]) =>
    [...rows.matchAll(ROW)].map(([, filter]) => filter.replaceAll('\\|', '|')),
  );
}

/** Runs a command as a reader would who has copied it. */
async function runInShell(ctx: TestContext, command: string, filter = ''): Promise<Output> {
  const script = `lastack() { "$NODE" "$ENTRY" "$@"; }\n${command}`;
  const env = { ...PROGRAM_ENV, NODE: process.execPath, ENTRY, FILTER: filter };
  return namespaceOrSkip(ctx).run('sh', ['-c', script], { env });
}

/** The two addresses of each row, whatever stands before them. */
function endpointsOf(rows: string): string[] {
  return [...rows.matchAll(/(\S+:(?:\d+|\*)) +(\S+:(?:\d+|\*))/g)]
    .map(([, local, remote]) => `${local} ${remote}`)
    .toSorted();
}

function namespaceOrSkip(ctx: TestContext): Namespace {
  if (opened === null) ctx.skip(unavailable);
  return opened;
}
