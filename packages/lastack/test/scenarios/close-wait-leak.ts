import type { CloseWaitCause } from '@lastack/core';
import { until } from '../kit/condition.ts';
import { socketsIn, type Role, type Scenario, type Sight, type Stage } from '../kit/scenario.ts';
import { readSockets } from '../kit/sockets.ts';

const CLIENTS = 5;
const POOLED = 30;
/** More than Node reads ahead, and less than a receive window: both sides get as far as the FIN. */
const BODY = 170_000;
/** Long enough for a doctor that looks for seconds. */
const LOAD_SECONDS = 30;

/**
 * When the clients' FIN comes, seen from the server. It makes a difference: a recv() that returns data consumes a FIN that
 * waits behind it in the same call, so Recv-Q may be 0 although the program was never told of the end.
 *
 * - `whenever`: the program behaves the same in either case
 * - `after the read`: the FIN stays unread
 * - `before the read`: the FIN is consumed with the data
 */
type FinComes = 'whenever' | 'after the read' | 'before the read';

/** A server whose clients come, say something and leave: the fault shows as their CLOSE-WAITs. */
interface LeftByClients {
  readonly id: string;
  readonly shows: string;
  /** File of `programs/`; `<id>.py` unless said. */
  readonly program?: string;
  readonly cause?: CloseWaitCause;
  readonly holders?: readonly Role[];
  /** How many clients come; a server that is blocked in its first client's handler accepts no second. */
  readonly clients?: number;
  /** What each says, bytes. */
  readonly bytes?: number;
  /** What they run when they do not stay; `leave.py` unless said. */
  readonly client?: string;
  readonly fin?: FinComes;
  /** Recv-Q of each CLOSE-WAIT: 0 = the FIN is consumed, 1 = only the FIN is unread, `data` = more. */
  readonly recvQ: 0 | 1 | 'data';
  readonly blockedIn?: string;
  /** A server that must run first, on the port after the scenario's. */
  readonly upstream?: string;
}

function leftByClients({
  id,
  shows,
  program = `${id}.py`,
  cause,
  holders = ['server'],
  clients = CLIENTS,
  bytes = 6,
  client: leaver = 'leave.py',
  fin = 'whenever',
  recvQ,
  blockedIn,
  upstream,
}: LeftByClients): Scenario {
  return {
    id,
    shows,
    expect: {
      kind: 'finding',
      rule: 'close-wait-leak',
      holders,
      ...(cause !== undefined && { cause }),
    },
    network: 'alone',
    ...(blockedIn !== undefined && { blockedIn }),
    sight: closeWaits(clients, recvQ),
    run: async (stage) => {
      const { port, start, toHere, healthy } = stage;
      if (upstream !== undefined) await start('upstream', upstream, [port + 1]);
      const upstreams = upstream === undefined ? [] : [port + 1];
      const server = await start('server', program, [port, ...upstreams]);
      if (fin === 'after the read' && !healthy) {
        const client = await start('client', 'stay.py', [toHere, port, clients]);
        await allRead(stage, clients);
        client.tell('close');
        return;
      }
      if (fin === 'before the read') server.freeze();
      const client = await start('client', leaver, [toHere, port, clients, bytes]);
      await client.ended;
      if (fin === 'before the read') server.resume();
    },
  };
}

/** The server has accepted every client and read what it said. */
async function allRead({ here, port }: Stage, clients: number): Promise<void> {
  await until(() => {
    const read = readSockets(here).filter(
      (socket) => socket.localPort === port && socket.inode !== 0 && socket.recvQ === 0,
    );
    return read.filter(({ state }) => state === 'ESTABLISHED').length >= clients;
  }, `${clients} clients that were read`);
}

/** In the repaired twin a CLOSE-WAIT of any Recv-Q is one too many. */
function closeWaits(count: number, recvQ: LeftByClients['recvQ']): Sight {
  return socketsIn(
    'CLOSE-WAIT',
    count,
    (socket, { healthy }) =>
      healthy ||
      (socket.inode !== 0 && (recvQ === 'data' ? socket.recvQ > 1 : socket.recvQ === recvQ)),
  );
}

export const CLOSE_WAIT_LEAKS: readonly Scenario[] = [
  leftByClients({
    id: 'spinning',
    shows: 'a handler that computes for ever',
    cause: 'spinning',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'running',
  }),
  leftByClients({
    id: 'recv-loop',
    shows: 'a non-blocking receive loop that does not know the end of the stream',
    cause: 'eof-ignored',
    clients: 1,
    recvQ: 0,
  }),
  leftByClients({
    id: 'epoll-eof-ignored',
    shows: 'an event loop that does nothing at the end of the stream',
    cause: 'eof-ignored',
    recvQ: 0,
  }),
  leftByClients({
    id: 'epoll-not-watched',
    shows: 'an event loop that forgets to register its connections',
    cause: 'not-watched',
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'epoll_wait',
  }),
  leftByClients({
    id: 'upstream-without-timeout',
    shows: 'a proxy that waits for ever for its upstream',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'recvfrom',
    upstream: 'silent-server.py',
  }),
  leftByClients({
    id: 'sleeping',
    shows: 'a handler that sleeps for an hour',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'clock_nanosleep',
  }),
  leftByClients({
    id: 'sleeping-after-eof',
    shows: 'a handler that sleeps for an hour, and whose only read consumed the FIN with the data',
    program: 'sleeping.py',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'before the read',
    recvQ: 0,
    blockedIn: 'clock_nanosleep',
  }),
  leftByClients({
    id: 'waits-for-stdin',
    shows: 'a handler that asks on standard input',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'read',
  }),
  leftByClients({
    id: 'waits-for-lock',
    shows: 'a handler that waits for a lock that is never given back',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'futex',
  }),
  leftByClients({
    id: 'waits-for-child',
    shows: 'a handler that waits for a command that does not end',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'wait4',
  }),
  leftByClients({
    id: 'upstream-in-threads',
    shows: 'a proxy with a thread a connection, all waiting for ever for the upstream',
    cause: 'blocked-elsewhere',
    fin: 'after the read',
    recvQ: 1,
    upstream: 'silent-server.py',
  }),
  leftByClients({
    id: 'locked-in-threads',
    shows: 'a server with a thread a connection, all waiting for a lock that is never given back',
    cause: 'blocked-elsewhere',
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'accept4',
  }),
  {
    ...leftByClients({
      id: 'pool-taken',
      shows:
        'a pool of threads that all wait for a lock that is never given back, and clients that it never begins with',
      cause: 'blocked-elsewhere',
      clients: 2 * CLIENTS,
      recvQ: 0,
      blockedIn: 'accept4',
    }),
    sight: socketsIn('CLOSE-WAIT', 2 * CLIENTS, ({ inode }, { healthy }) => healthy || inode !== 0),
  },
  leftByClients({
    id: 'exception-swallowed',
    shows: 'an exception that jumps over close() and is only noted',
    cause: 'close-skipped',
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'accept4',
  }),
  leftByClients({
    id: 'exception-after-eof',
    shows: 'the same, when the only read consumed the FIN with the data',
    program: 'exception-swallowed.py',
    cause: 'close-skipped',
    fin: 'before the read',
    recvQ: 0,
    blockedIn: 'accept4',
  }),
  // An event loop that has unregistered them at the end of the stream (eof-ignored) looks the same: no cause is asked for.
  leftByClients({
    id: 'epoll-not-watched-after-eof',
    shows: 'unregistered connections whose first read consumed the FIN with the data',
    program: 'epoll-not-watched.py',
    fin: 'before the read',
    recvQ: 0,
    blockedIn: 'epoll_wait',
  }),
  leftByClients({
    id: 'edge-triggered',
    shows: 'an edge-triggered event loop that leaves what does not fit its buffer',
    cause: 'data-abandoned',
    bytes: 2000,
    recvQ: 'data',
    blockedIn: 'epoll_wait',
  }),
  // Both data-abandoned and close-skipped are true of it.
  leftByClients({
    id: 'body-unread',
    shows: 'a rejected request whose body nobody reads',
    bytes: 2005,
    recvQ: 'data',
    blockedIn: 'accept4',
  }),
  leftByClients({
    id: 'eof-kept',
    shows: 'a Python 3 server that reads to the end and keeps the connection',
    cause: 'close-skipped',
    recvQ: 0,
    blockedIn: 'accept4',
  }),
  leftByClients({
    id: 'python2-server',
    shows: 'a Python 2.7 server that reads to the end and keeps the connection',
    cause: 'close-skipped',
    recvQ: 0,
    blockedIn: 'accept',
  }),
  leftByClients({
    id: 'asyncio-writers-kept',
    shows: 'an asyncio server that never closes its writers',
    cause: 'eof-ignored',
    recvQ: 0,
    blockedIn: 'epoll_wait',
  }),
  leftByClients({
    id: 'node-half-open',
    shows: 'a Node server with allowHalfOpen that never ends its sockets',
    program: 'node-half-open.mjs',
    cause: 'eof-ignored',
    recvQ: 0,
  }),
  leftByClients({
    id: 'node-paused',
    shows: 'a Node server that leaves its connections paused',
    program: 'node-paused.mjs',
    cause: 'not-reading',
    bytes: 0,
    recvQ: 1,
  }),
  leftByClients({
    id: 'node-spinning',
    shows: 'a Node server with a handler that computes for ever',
    program: 'node-spinning.mjs',
    cause: 'spinning',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'running',
  }),
  leftByClients({
    id: 'node-waits-for-child',
    shows: 'a Node server whose handler waits for a command that does not end',
    program: 'node-waits-for-child.mjs',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'epoll_',
  }),
  leftByClients({
    id: 'node-waits-for-lock',
    shows: 'a Node server whose handler waits for a lock that is never given back',
    program: 'node-waits-for-lock.mjs',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'futex',
  }),
  leftByClients({
    id: 'node-waits-for-stdin',
    shows: 'a Node server whose handler asks on standard input',
    program: 'node-waits-for-stdin.mjs',
    cause: 'blocked-elsewhere',
    clients: 1,
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'read',
  }),
  leftByClients({
    id: 'node-upload-unread',
    shows: 'a Node web server that waits for ever for its upstream before it reads an upload',
    program: 'node-upload-unread.mjs',
    cause: 'not-reading',
    client: 'leave-upload.py',
    bytes: BODY,
    recvQ: 'data',
    upstream: 'silent-server.py',
  }),
  leftByClients({
    id: 'node-exception-swallowed',
    shows: 'a Node server with allowHalfOpen whose async listener throws before it ends the socket',
    program: 'node-exception-swallowed.mjs',
    cause: 'eof-ignored',
    recvQ: 0,
  }),
  {
    id: 'node-answers-unread',
    shows: 'a Node client that looks at the status of each answer and leaves the body unread',
    expect: {
      kind: 'finding',
      rule: 'close-wait-leak',
      holders: ['client'],
      cause: 'not-reading',
    },
    network: 'pair',
    sight: socketsIn('CLOSE-WAIT', CLIENTS),
    run: async ({ port, start, toThere, there }) => {
      const server = await start('server', 'http-answers.py', [port, BODY], there);
      await start('client', 'node-answers-unread.mjs', [toThere, port, CLIENTS]);
      server.tell('close');
    },
  },
  leftByClients({
    id: 'forked-child-keeps',
    shows: 'forked children that keep the connections which their parent has closed',
    holders: ["server's children"],
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'clock_nanosleep',
  }),
  leftByClients({
    id: 'node-forked-child-keeps',
    shows:
      'a worker forked by a Node server, which never looks at the connections that it was handed',
    program: 'node-forked-child-keeps.mjs',
    cause: 'eof-ignored',
    holders: ["server's children"],
    recvQ: 0,
  }),
  leftByClients({
    id: 'subprocess-inherits',
    shows: 'commands that inherit the connection of the request that started them',
    holders: ["server's children"],
    fin: 'after the read',
    recvQ: 1,
    blockedIn: 'clock_nanosleep',
  }),
  {
    id: 'answers-kept',
    shows: 'a client that reads each answer, keeps the connection, and sleeps before the next one',
    expect: {
      kind: 'finding',
      rule: 'close-wait-leak',
      holders: ['client'],
      cause: 'close-skipped',
    },
    network: 'pair',
    sight: socketsIn('CLOSE-WAIT', CLIENTS),
    run: async ({ port, start, toThere, there }) => {
      await start('server', 'answers-and-closes.py', [port], there);
      await start('client', 'answers-kept.py', [toThere, port, LOAD_SECONDS]);
    },
  },
  {
    id: 'pool-not-checked',
    shows: 'a pool of idle connections whose server closes them all at once',
    expect: { kind: 'finding', rule: 'close-wait-leak', holders: ['client'] },
    network: 'pair',
    sight: socketsIn('CLOSE-WAIT', POOLED),
    run: async ({ port, start, toThere, here, there }) => {
      const server = await start('server', 'closes-on-command.py', [port], there);
      await start('client', 'pool-not-checked.py', [toThere, port, POOLED]);
      await until(() => {
        const open = readSockets(there).filter(({ localPort }) => localPort === port);
        return open.filter(({ inode, recvQ }) => inode !== 0 && recvQ === 0).length > POOLED;
      }, `${POOLED} connections and a listener`);
      server.tell('close');
      await until(
        () => !readSockets(here).some(({ state }) => state === 'ESTABLISHED'),
        'the end of all connections',
      );
    },
  },
];
