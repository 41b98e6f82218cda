import type { LocationRole } from '@lastack/core';

/** The role of a location, and the comment at the end of the line that it must be at. */
export type MarkedLine = readonly [LocationRole, string];

/** A program of `programs/python-apps/`, written as people write it with what Python brings along. */
export interface PythonApp {
  /** Its file, without `.py`. */
  readonly name: string;
  /** A server gets this many clients, which say something and leave; a client makes its connections by itself. */
  readonly clients: number;
  /** How many sockets stay in CLOSE-WAIT. */
  readonly leaks: number;
  readonly lines: readonly MarkedLine[];
  /** The last version with the fault, and why the next one has it no more. */
  readonly until?: { readonly version: string; readonly why: string };
}

const CLIENTS = 4;

export const PYTHON_APPS: readonly PythonApp[] = [
  serverOf('http-server-upstream', [
    ['held', 'held and executing here'],
    ['executing', 'held and executing here'],
  ]),
  serverOf('http-server-events', [
    ['held', 'held and executing here'],
    ['executing', 'held and executing here'],
  ]),
  serverOf('executor-deadlock', [
    ['held', 'held and executing here'],
    ['executing', 'held and executing here'],
    ['held', 'queued here'],
  ]),
  // The worker closes the first one as it dies.
  { ...serverOf('socketserver-jobs', [['held', 'held here']]), leaks: CLIENTS - 1 },
  serverOf('selectors-unregister', [['held', 'held here']]),
  serverOf('asyncio-protocol', [['held', 'held here']]),
  {
    ...serverOf('asyncio-upstream', [
      ['held', 'held here'],
      ['handled', 'handled here'],
    ]),
    // asyncio refers to tasks and readers weakly: the garbage collector may have taken all but the last.
    leaks: 1,
  },
  {
    ...serverOf('asyncio-forgets-close', [['handled', 'handled here']]),
    // The garbage collector may have come by for all but the last.
    leaks: 1,
    until: { version: '3.12', why: 'closes a writer that nobody refers to' },
  },
  clientOf('http-client-sessions', 5),
  clientOf('urllib-unread', 3),
];

function serverOf(name: string, lines: readonly MarkedLine[]): PythonApp {
  return { name, clients: CLIENTS, leaks: CLIENTS, lines };
}

function clientOf(name: string, leaks: number): PythonApp {
  const lines: readonly MarkedLine[] = [
    ['held', 'held here'],
    ['executing', 'executing here'],
  ];
  return { name, clients: 0, leaks, lines };
}
