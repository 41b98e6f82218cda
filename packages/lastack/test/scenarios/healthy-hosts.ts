import { socketsIn, type Scenario, type Stage } from '../kit/scenario.ts';

/** Requests to each server; each leaves a TIME-WAIT where its client was. */
const REQUESTS = 1_000;
/** The second half of the requests is spread over this time, so that a doctor sees traffic. */
const SECONDS = 15;

async function serveAndLoad({ start, port, toHere, there }: Stage): Promise<void> {
  const servers = ['healthy-echo.py', 'healthy-echo.mjs', 'healthy-prefork.py'];
  await Promise.all(
    servers.map(async (program, i) => {
      await start(`server ${program}`, program, [port + i]);
      await start(`load of ${program}`, 'load.py', [toHere, port + i, REQUESTS, SECONDS], there);
    }),
  );
}

/** Busy hosts without a fault: the doctor has nothing to say. */
export const HEALTHY_HOSTS: readonly Scenario[] = [
  {
    id: 'busy-servers',
    shows: 'Python, Node and pre-forked servers under short and kept connections of remote clients',
    expect: { kind: 'silent' },
    network: 'pair',
    sight: socketsIn('ESTABLISHED', 6),
    run: serveAndLoad,
  },
  {
    id: 'busy-host',
    shows:
      'the same servers and their clients on one host, which keeps the TIME-WAITs by the thousand',
    expect: { kind: 'silent' },
    network: 'alone',
    sight: socketsIn('TIME-WAIT', (3 * REQUESTS) / 2),
    run: serveAndLoad,
  },
  {
    id: 'slow-handlers',
    shows: 'handlers of 3 to 5 s whose clients have left before the answer',
    expect: { kind: 'silent' },
    network: 'pair',
    sight: socketsIn('CLOSE-WAIT', 10, ({ inode }) => inode !== 0),
    run: async ({ start, port, toHere, there }) => {
      await start('server', 'slow-handlers.py', [port]);
      await start('clients', 'impatient.py', [toHere, port, 2 * SECONDS], there);
    },
  },
];
