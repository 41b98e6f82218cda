import type { RuleId } from '@lastack/core';
import type { ExpectedLine } from './python-lines.ts';

/** The line that the doctor must name: the text of it, by which the test finds its number. */
export interface NodeLine {
  readonly role: ExpectedLine['role'] | 'handled';
  /** In `programs/`. */
  readonly file: string;
  /** The line without its indentation, or any of the lines of a loop. */
  readonly text: string | readonly string[];
  /** What holds the socket; every number is N. */
  readonly name?: string;
}

/** A scenario that shows the row; its cause is in the scenario, lines of Python are in `python-lines.ts`. */
export interface Shown {
  readonly scenario: string;
}

export interface ShownInNode extends Shown {
  /** Empty where Node opens no inspector; then `why` must be said. */
  readonly lines: readonly NodeLine[];
  readonly why?: RegExp;
}

/** Why a language cannot make the row. */
export interface CannotBe {
  readonly cannotBe: string;
}

/** One way in which a program keeps a socket, by what its threads and the socket show from outside. */
export interface EvidenceRow {
  readonly program: string;
  readonly rule: RuleId;
  readonly python: readonly Shown[] | CannotBe;
  readonly node: readonly ShownInNode[] | CannotBe;
}

/** The table of evidence: every row, in both languages. */
export const EVIDENCE_ROWS: readonly EvidenceRow[] = [
  {
    program: 'computes for ever',
    rule: 'close-wait-leak',
    python: [{ scenario: 'spinning' }],
    node: [
      {
        scenario: 'node-spinning',
        lines: [
          line('executing', 'node-spinning.mjs', [
            'while (position >= 0) {',
            'count += 1;',
            "position = text.indexOf('\\n', isHealthy ? position + 1 : position);",
          ]),
          line(
            'handled',
            'node-spinning.mjs',
            "socket.on('data', (data) => socket.write(`${countLines(data.toString())}\\n`));",
          ),
        ],
      },
    ],
  },
  {
    program: 'calls recv() again and again',
    rule: 'close-wait-leak',
    python: [{ scenario: 'recv-loop' }],
    node: {
      cannotBe: 'JavaScript has no recv(): libuv reads when epoll says so, and stops at the end',
    },
  },
  {
    program: 'waits in epoll and ignores the end',
    rule: 'close-wait-leak',
    python: [{ scenario: 'epoll-eof-ignored' }, { scenario: 'asyncio-writers-kept' }],
    node: [
      {
        scenario: 'node-half-open',
        lines: [
          line(
            'held',
            'node-half-open.mjs',
            'const connections = new Map();',
            'connections.get(…)',
          ),
          line(
            'handled',
            'node-half-open.mjs',
            'const server = createServer({ allowHalfOpen: true }, (socket) => {',
          ),
        ],
      },
    ],
  },
  {
    program: 'waits in epoll and has not registered the connection',
    rule: 'close-wait-leak',
    python: [{ scenario: 'epoll-not-watched' }],
    node: [
      {
        scenario: 'node-paused',
        lines: [
          line('held', 'node-paused.mjs', 'const waiting = [];', 'waiting[N]'),
          line(
            'handled',
            'node-paused.mjs',
            'const server = createServer({ pauseOnConnect: true }, (socket) => {',
          ),
        ],
      },
    ],
  },
  {
    program: 'waits for an upstream',
    rule: 'close-wait-leak',
    python: [{ scenario: 'upstream-without-timeout' }, { scenario: 'upstream-in-threads' }],
    node: [
      {
        scenario: 'node-upload-unread',
        lines: [
          line('held', 'node-upload-unread.mjs', 'const uploads = new Map();'),
          line(
            'handled',
            'node-upload-unread.mjs',
            'const server = createServer(async (request, response) => {',
          ),
        ],
      },
    ],
  },
  {
    program: 'waits for this peer',
    rule: 'read-hanging',
    python: [{ scenario: 'read-without-timeout' }],
    node: {
      cannotBe:
        'Node waits in epoll, never in recv(): an idle connection of an event loop may be meant (a pool, a subscription)',
    },
  },
  {
    program: 'sleeps, or waits for input, a lock or a child',
    rule: 'close-wait-leak',
    python: [
      { scenario: 'sleeping' },
      { scenario: 'waits-for-stdin' },
      { scenario: 'waits-for-lock' },
      { scenario: 'waits-for-child' },
    ],
    // The inspector opens on the main thread only, which stands still.
    node: [
      { scenario: 'node-waits-for-stdin', lines: [], why: /is stuck \(read\)/ },
      { scenario: 'node-waits-for-lock', lines: [], why: /is stuck \(futex\)/ },
      {
        scenario: 'node-waits-for-child',
        lines: [],
        why: /is stuck \(epoll_\w+ of a synchronous call/,
      },
    ],
  },
  {
    program: 'swallows an exception before it closes',
    rule: 'close-wait-leak',
    python: [{ scenario: 'exception-swallowed' }, { scenario: 'exception-after-eof' }],
    node: [
      {
        scenario: 'node-exception-swallowed',
        lines: [
          line('held', 'node-exception-swallowed.mjs', 'const sessions = new Set();'),
          line('handled', 'node-exception-swallowed.mjs', "socket.on('data', async (data) => {"),
        ],
      },
    ],
  },
  {
    program: 'has a child that inherited the connection',
    rule: 'close-wait-leak',
    python: [{ scenario: 'forked-child-keeps' }],
    node: [
      {
        scenario: 'node-forked-child-keeps',
        lines: [
          line(
            'held',
            'node-forked-child-keeps.mjs',
            'const jobs = new Map();',
            'jobs.get(…).socket',
          ),
        ],
      },
    ],
  },
  {
    program: 'has a child that inherited the connection, and keeps it as well',
    rule: 'inherited-socket',
    python: [{ scenario: 'inherited-by-worker' }],
    node: [
      {
        scenario: 'node-inherited-by-child',
        lines: [
          line('held', 'node-inherited-by-child.mjs', 'const connections = new Set();'),
          line(
            'handled',
            'node-inherited-by-child.mjs',
            'const server = createServer({ pauseOnConnect: true }, (socket) => {',
          ),
        ],
      },
    ],
  },
  {
    program: 'sends to a peer that does not read',
    rule: 'send-stuck',
    python: [{ scenario: 'send-to-deaf' }],
    node: [
      {
        scenario: 'node-send-to-deaf',
        lines: [
          line('held', 'node-send-to-deaf.mjs', 'const downloads = new Map();', 'downloads.get(…)'),
          line('handled', 'node-send-to-deaf.mjs', 'const server = createServer((socket) => {'),
        ],
      },
    ],
  },
  {
    program: 'half-closes and waits',
    rule: 'fin-wait-2-held',
    python: [{ scenario: 'half-close' }],
    node: [
      {
        scenario: 'node-half-close',
        lines: [line('held', 'node-half-close.mjs', 'const asked = new Set();')],
      },
    ],
  },
  {
    program: 'never accepts',
    rule: 'accept-backlog-stalled',
    python: [{ scenario: 'never-accepts' }],
    node: [
      {
        scenario: 'node-never-accepts',
        lines: [
          line(
            'executing',
            'node-never-accepts.mjs',
            "while (text.at(end) !== '\\n') end = (end + 1) % text.length;",
          ),
        ],
      },
    ],
  },
];

function line(
  role: NodeLine['role'],
  file: string,
  text: string | readonly string[],
  name?: string,
): NodeLine {
  return { role, file, text, ...(name !== undefined && { name }) };
}
