import { BUILT } from './build.mjs';

const lastack = (...args) => [process.execPath, BUILT.program, ...args];

/** What runs against what, by the name in the table. `slow` ones take seconds, and run in few rounds only. */
export const CONTENDERS = {
  'ss -tanH': { command: ['ss', '-tanH'] },
  'netstat -tan': { command: ['netstat', '-tan'] },
  'lastack ls --no-owners': { command: lastack('ls', '--no-owners') },
  'lastack ls --no-owners --json': { command: lastack('ls', '--no-owners', '--json') },
  'ss -tanp': { command: ['ss', '-tanp'], slow: true },
  'netstat -tanp': { command: ['netstat', '-tanp'], slow: true },
  'lsof -nPi': { command: ['lsof', '-nPi'], slow: true },
  'lastack ls': { command: lastack('ls') },
  'lastack ls without BPF': { command: lastack('ls'), withoutBpf: true },
  'lastack doctor --for 0': { command: lastack('doctor', '--for', '0'), statuses: [0, 1] },
  'node -e 0': { command: [process.execPath, '-e', '0'] },
  "lastack ls 'sport = :1'": { command: lastack('ls', 'sport = :1') },
};

const LISTS = ['ss -tanH', 'netstat -tan', 'lastack ls --no-owners'];
const LISTS_WITH_OWNERS = [
  'lastack ls',
  'lastack ls without BPF',
  'ss -tanp',
  'netstat -tanp',
  'lsof -nPi',
];

/** Half of the wanted sockets are the pairs. */
const pairs = (sockets, share = 1) => Math.ceil((sockets * share) / 2);

/** Each load with its contenders, in the order of a round. `inProcess` compares the dump alone with the C program. */
export const LOADS = {
  empty: {
    parts: () => [],
    contenders: ['node -e 0', "lastack ls 'sport = :1'"],
    rounds: ({ quick }) => (quick ? 10 : 40),
  },
  established: {
    parts: (sockets) => [`established:${pairs(sockets)}`],
    contenders: [
      ...LISTS,
      'lastack ls --no-owners --json',
      ...LISTS_WITH_OWNERS,
      'lastack doctor --for 0',
    ],
    rounds: ({ rounds }) => rounds,
    inProcess: true,
  },
  mixed: {
    parts: (sockets) => [
      `established:${pairs(sockets, 0.4)}`,
      `established6:${pairs(sockets, 0.3)}`,
      `half-closed:${pairs(sockets, 0.3)}`,
    ],
    contenders: [...LISTS, 'lastack ls', 'lastack ls without BPF', 'lastack doctor --for 0'],
    rounds: ({ rounds }) => rounds,
    inProcess: true,
  },
  large: {
    parts: () => [`established:${pairs(500_000)}`],
    contenders: [...LISTS, 'lastack ls'],
    rounds: ({ rounds }) => Math.min(rounds, 3),
  },
  // Not asked for by default: the sockets are gone after a minute.
  'time-wait': {
    parts: (sockets) => [`time-wait:${Math.ceil(sockets)}`],
    contenders: [...LISTS, 'lastack ls'],
    rounds: ({ rounds }) => Math.min(rounds, 5),
  },
};

const wall = (subject, to, atMost) => ({ subject, to, atMost, of: 'ms' });

/** Which ratio of medians must not be exceeded; without `to` it is a limit of its own. */
export const GOALS = [
  wall('lastack ls --no-owners', 'ss -tanH', 0.8),
  wall('lastack ls --no-owners', 'netstat -tan', 0.45),
  wall('dump in process', 'C floor', 1.1),
  wall('lastack ls', 'ss -tanp', 1 / 20),
  wall('lastack ls', 'netstat -tanp', 1 / 20),
  wall('lastack ls', 'lsof -nPi', 1 / 20),
  wall('lastack ls without BPF', 'ss -tanp', 1 / 8),
  wall('lastack ls without BPF', 'netstat -tanp', 1 / 8),
  wall('lastack ls without BPF', 'lsof -nPi', 1 / 8),
  wall('lastack doctor --for 0', 'lastack ls', 2),
  wall("lastack ls 'sport = :1'", 'node -e 0', 1.5),
  { subject: 'lastack ls', to: null, atMost: 200 * 1024, of: 'peakKib', load: 'large' },
];
