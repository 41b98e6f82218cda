import type { TcpState } from '@lastack/core';
import { until } from '../kit/condition.ts';
import { childrenOf, descriptorLimitOf, zombiesOf } from '../kit/procfs.ts';
import { socketsIn, type Scenario, type Stage } from '../kit/scenario.ts';
import {
  deadSocketsOf,
  descriptorsOf,
  readCounter,
  readSockets,
  socketsHeldBy,
  type Socket,
} from '../kit/sockets.ts';

const CLIENTS = 5;
/** Long enough for a doctor that looks for seconds, short enough to end by itself should all else fail. */
const LOAD_SECONDS = 30;
/** net.ipv4.ip_local_port_range of the exhausted namespaces: 64 ports. */
const PORTS = { first: 40_000, last: 40_063 } as const;

/** Arriving segments that begin a connection; the namespace they come to says nothing. */
const DROP_SYN = 'tcp flags & (syn|ack) == syn drop';
const DROP_ALL = 'meta l4proto tcp drop';

/** How the kernel drops the connections that the program goes on holding. */
const DEATHS = {
  reset: ({ programs }: Stage) => {
    programs.get('client')?.tell('reset');
  },
  keepalive: ({ there }: Stage) => there.obstruct(DROP_ALL),
} as const;

function deadDescriptor(death: keyof typeof DEATHS): Scenario {
  return {
    id: `dead-by-${death}`,
    shows: `descriptors of connections that ended by ${death === 'reset' ? 'a reset' : 'unanswered keepalive probes'}`,
    expect: { kind: 'finding', rule: 'dead-descriptor', holders: ['server'] },
    network: 'pair',
    sight: {
      what: `${CLIENTS} dead sockets`,
      look: (stage) => {
        const dead = deadSocketsOf(stage.here, serverOf(stage));
        return dead.length >= (stage.healthy ? 1 : CLIENTS);
      },
    },
    run: async (stage) => {
      const { port, start, toHere, there } = stage;
      await start('server', 'ignores-death.py', [port, `--${death}`]);
      await start('client', 'reset.py', [toHere, port, CLIENTS], there);
      await accepted(stage);
      await DEATHS[death](stage);
      await until(
        () => !readSockets(stage.here).some(({ state }) => state === 'ESTABLISHED'),
        'the end of all connections',
      );
    },
  };
}

function portExhaustion(state: 'ESTABLISHED' | 'TIME-WAIT'): Scenario {
  const isShort = state === 'TIME-WAIT';
  return {
    id: `ports-in-${state.toLowerCase()}`,
    shows: `a client whose ${state} connections hold every local port of one destination`,
    expect: { kind: 'finding', rule: 'port-exhaustion', holders: isShort ? [] : ['client'] },
    // On loopback tcp_tw_reuse = 2 reuses the ports of TIME-WAITs.
    network: 'pair',
    // A pool's ports are seen by their connections; the twin has some too, but far from all.
    sight: {
      what: `nearly all of ${PORTS.last - PORTS.first + 1} local ports in ${state}`,
      look: ({ here }) => {
        const used = readSockets(here).filter(
          (socket) => socket.state === state && socket.localPort >= PORTS.first,
        );
        // On a busy machine a peer's answer to a closed socket may end a TIME-WAIT early.
        return used.length > 0.9 * (PORTS.last - PORTS.first) ? used : [];
      },
    },
    run: async ({ here, there, port, start, toThere, healthy }) => {
      await here.set('net.ipv4.ip_local_port_range', `${PORTS.first} ${PORTS.last}`);
      await start('server', 'healthy-echo.py', [port], there);
      const connections = healthy ? 8 : 100;
      const flags = isShort ? ['--short'] : [];
      await start('client', 'uses-up-ports.py', [toThere, port, connections, ...flags]);
    },
  };
}

/** What is lost, when the server closes, so that its sockets stay in the state. */
function peerVanished(state: 'FIN-WAIT-1' | 'LAST-ACK' | 'CLOSING'): Scenario {
  return {
    id: `vanished-in-${state.toLowerCase()}`,
    shows: `closed connections that wait in ${state} for peers which have gone without a word`,
    expect: { kind: 'finding', rule: 'peer-vanished', holders: [] },
    network: 'pair',
    sight: socketsIn(state, CLIENTS),
    run: async (stage) => {
      const { port, start, toHere, here, there, healthy } = stage;
      const server = await start('server', 'closes-on-command.py', [port]);
      const client = await start('client', 'stay.py', [toHere, port, CLIENTS], there);
      await accepted(stage);
      if (state === 'LAST-ACK') {
        client.tell('shutdown');
        await reached(stage, 'CLOSE-WAIT');
      }
      // The peers' own end is let through for CLOSING: they must have sent a FIN that does not acknowledge ours.
      if (!healthy) await there.obstruct(DROP_ALL);
      if (state !== 'CLOSING' && !healthy) await here.obstruct(DROP_ALL);
      server.tell('close');
      if (state !== 'CLOSING' || healthy) return;
      await reached(stage, 'FIN-WAIT-1');
      client.tell('close');
    },
  };
}

/** What differs between a fault in one language and in the other. */
interface Variant extends Pick<Scenario, 'id' | 'shows' | 'blockedIn' | 'patienceMs'> {
  readonly program: string;
}

function neverAccepts({ program, ...variant }: Variant): Scenario {
  return {
    ...variant,
    expect: { kind: 'finding', rule: 'accept-backlog-stalled', holders: ['server'] },
    network: 'alone',
    // Nobody has a descriptor of the CLOSE-WAITs: the sockets at fault are the listener's.
    sight: socketsIn('LISTEN', 1, ({ recvQ }) => recvQ >= 2 * CLIENTS),
    run: async ({ port, start, toHere, there }) => {
      await start('server', program, [port]);
      await start('staying client', 'stay.py', [toHere, port, CLIENTS], there);
      const client = await start('leaving client', 'leave.py', [toHere, port, CLIENTS, 6], there);
      await client.ended;
    },
  };
}

function inherited({ program, ...variant }: Variant): Scenario {
  return {
    ...variant,
    expect: { kind: 'finding', rule: 'inherited-socket', holders: ['server', "server's children"] },
    network: 'pair',
    sight: {
      what: `${CLIENTS} connections with two holders`,
      look: (stage) => {
        const workers = new Set(childrenOf(serverOf(stage)).flatMap(socketsHeldBy));
        const twice = new Set(socketsHeldBy(serverOf(stage)).filter((inode) => workers.has(inode)));
        const shared = readSockets(stage.here).filter(
          ({ state, inode }) => state === 'ESTABLISHED' && twice.has(inode),
        );
        return shared.length >= (stage.healthy ? 1 : CLIENTS) ? shared : [];
      },
    },
    run: async (stage) => {
      const { port, start, toHere, there } = stage;
      await start('server', program, [port]);
      await start('client', 'stay.py', [toHere, port, CLIENTS], there);
      await until(() => childrenOf(serverOf(stage)).length === CLIENTS, `${CLIENTS} workers`);
    },
  };
}

function halfClose({ program, ...variant }: Variant): Scenario {
  return {
    ...variant,
    expect: { kind: 'finding', rule: 'fin-wait-2-held', holders: ['client'] },
    network: 'pair',
    sight: socketsIn('FIN-WAIT-2', CLIENTS, ({ inode }) => inode !== 0),
    run: async ({ port, start, toThere, there }) => {
      await start('server', 'eof-kept.py', [port], there);
      await start('client', program, [toThere, port, CLIENTS]);
    },
  };
}

function sendToDeaf({ program, ...variant }: Variant): Scenario {
  return {
    ...variant,
    expect: { kind: 'finding', rule: 'send-stuck', holders: ['server'] },
    network: 'pair',
    // Both buffers are full when the unsent bytes are more than a receive window.
    sight: socketsIn('ESTABLISHED', 1, ({ sendQ }) => sendQ > 100_000),
    run: async ({ port, start, toHere, there, healthy }) => {
      await start('server', program, [port]);
      await start('client', 'stay.py', [toHere, port, 1, ...(healthy ? [] : ['--deaf'])], there);
    },
  };
}

/** The server has accepted every client and read what each said first. */
async function accepted(stage: Stage): Promise<void> {
  await reached(stage, 'ESTABLISHED', ({ inode, recvQ }) => inode !== 0 && recvQ === 0);
}

async function reached(
  { here, port }: Stage,
  state: TcpState,
  where: (socket: Socket) => boolean = () => true,
): Promise<void> {
  await until(() => {
    const found = readSockets(here).filter(
      (socket) => socket.state === state && socket.localPort === port && where(socket),
    );
    return found.length >= CLIENTS;
  }, `${CLIENTS} sockets in ${state}`);
}

function serverOf({ programs }: Stage): number {
  return programs.get('server')?.pid ?? 0;
}

export const OTHER_FINDINGS: readonly Scenario[] = [
  neverAccepts({
    id: 'never-accepts',
    shows: 'a server that listens and never accepts, and half of whose clients have left',
    program: 'never-accepts.py',
    blockedIn: 'clock_nanosleep',
  }),
  neverAccepts({
    id: 'node-never-accepts',
    shows: 'a Node server that listens and computes for ever, and half of whose clients have left',
    program: 'node-never-accepts.mjs',
    blockedIn: 'running',
  }),
  inherited({
    id: 'inherited-by-worker',
    shows: 'a forking server that keeps its own copy of each connection',
    program: 'inherited-by-worker.py',
  }),
  inherited({
    id: 'node-inherited-by-child',
    shows: 'a Node server that gives each connection to a command and keeps its own copy',
    program: 'node-inherited-by-child.mjs',
  }),
  halfClose({
    id: 'half-close',
    shows: 'a client that shuts its sending side and waits for an end that its server never sends',
    program: 'half-close.py',
    blockedIn: 'recvfrom',
  }),
  halfClose({
    id: 'node-half-close',
    shows:
      'a Node client that ends its sending side and waits for an end that its server never sends',
    program: 'node-half-close.mjs',
    blockedIn: 'epoll_',
  }),
  deadDescriptor('reset'),
  deadDescriptor('keepalive'),
  {
    id: 'few-descriptors',
    shows: 'a server that has used 60 of its 64 descriptors',
    expect: { kind: 'finding', rule: 'fd-limit-near', holders: ['server'] },
    network: 'pair',
    sight: {
      what: '60 descriptors of a limit of 64',
      look: (stage) =>
        descriptorsOf(serverOf(stage)).length >= 60 && descriptorLimitOf(serverOf(stage)) <= 64,
    },
    run: async ({ port, start, toHere, there }) => {
      await start('server', 'few-descriptors.py', [port]);
      await start('client', 'stay.py', [toHere, port, 57], there);
    },
  },
  portExhaustion('ESTABLISHED'),
  portExhaustion('TIME-WAIT'),
  {
    id: 'time-wait-overflow',
    shows: 'a host that may keep 20 TIME-WAITs and destroys all others at once',
    expect: { kind: 'finding', rule: 'time-wait-overflow', holders: [] },
    network: 'pair',
    sight: {
      what: 'TIME-WAITs that were destroyed',
      look: ({ here }) => readCounter(here, 'TcpExtTCPTimeWaitOverflow') > 0,
    },
    run: async ({ here, there, port, start, toThere, healthy }) => {
      if (!healthy) await here.set('net.ipv4.tcp_max_tw_buckets', 20);
      await start('server', 'healthy-echo.py', [port], there);
      await start('client', 'load.py', [toThere, port, 600, LOAD_SECONDS]);
    },
  },
  {
    id: 'slow-accept',
    shows: 'a server with a backlog of 2 under a burst of clients',
    expect: { kind: 'finding', rule: 'listen-overflow', holders: ['server'] },
    network: 'pair',
    sight: {
      what: 'connections refused by a full accept queue',
      look: ({ here }) => readCounter(here, 'TcpExtListenOverflows') > 0,
    },
    run: async ({ port, start, toHere, there }) => {
      await start('server', 'slow-accept.py', [port]);
      await start('clients', 'burst.py', [toHere, port, LOAD_SECONDS], there);
    },
  },
  {
    id: 'connect-without-timeout',
    shows: 'a client that connects without a time-out to a host that does not answer',
    expect: { kind: 'finding', rule: 'connect-hanging', holders: ['client'] },
    network: 'pair',
    sight: socketsIn('SYN-SENT', 3, ({ inode }) => inode !== 0),
    run: async ({ port, start, toThere, there, healthy }) => {
      await there.obstruct(DROP_SYN);
      const client = await start('client', 'connect-without-timeout.py', [toThere, port]);
      if (healthy) await client.ended;
    },
  },
  {
    id: 'read-without-timeout',
    shows: 'a client that waits without a time-out for an answer',
    expect: { kind: 'finding', rule: 'read-hanging', holders: ['client'] },
    network: 'pair',
    blockedIn: 'recvfrom',
    sight: socketsIn('ESTABLISHED', 1),
    run: async ({ port, start, toThere, there, healthy }) => {
      await start('server', 'silent-server.py', [port], there);
      const client = await start('client', 'read-without-timeout.py', [toThere, port]);
      if (healthy) await client.ended;
    },
  },
  sendToDeaf({
    id: 'send-to-deaf',
    shows: 'a server that sends to a client which does not read',
    program: 'send-to-deaf.py',
    blockedIn: 'sendto',
  }),
  sendToDeaf({
    id: 'node-send-to-deaf',
    shows: 'a Node server that queues an answer for a client which does not read',
    program: 'node-send-to-deaf.mjs',
    blockedIn: 'epoll_',
    patienceMs: 60_000,
  }),
  peerVanished('FIN-WAIT-1'),
  peerVanished('LAST-ACK'),
  peerVanished('CLOSING'),
  {
    id: 'forks-without-wait',
    shows: 'a server that forks a child a request and never waits for it',
    expect: { kind: 'finding', rule: 'zombie-children', holders: ['server'] },
    network: 'alone',
    blockedIn: 'accept4',
    sight: {
      what: `${CLIENTS} zombies`,
      look: (stage) => {
        const zombies = zombiesOf(serverOf(stage));
        return zombies.length >= (stage.healthy ? 1 : CLIENTS);
      },
    },
    run: async ({ port, start, toHere }) => {
      await start('server', 'forks-without-wait.py', [port]);
      const client = await start('client', 'leave.py', [toHere, port, CLIENTS, 6]);
      await client.ended;
    },
  },
];
