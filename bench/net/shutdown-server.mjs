// A server that stops in the way of one contender when it is told to: `shutdown-server.mjs CONTENDER LOAD`, LOAD as JSON.
import { once } from 'node:events';
import { createServer } from 'node:http';
import http2 from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';

const [contender, loadText] = process.argv.slice(2);
const { protocol, idleGrace } = JSON.parse(loadText);
/** Longer than any run, so that no keep-alive time-out closes a connection. */
const KEEP_ALIVE_MS = 60_000;
const GIVE_UP_MS = 4500;

function answer(request, response) {
  const ms = Number(new URL(request.url, 'http://x').searchParams.get('ms'));
  if (ms > 0) setTimeout(() => response.end('ok'), ms);
  else response.end('ok');
}

async function makeServer() {
  if (contender === 'fastify') {
    const { default: fastify } = await import('fastify');
    const app = fastify({ keepAliveTimeout: KEEP_ALIVE_MS, http2: protocol === 'h2' });
    app.all('/', async (request) => {
      if (request.query.ms > 0) await pause(Number(request.query.ms));
      return 'ok';
    });
    await app.ready();
    return { server: app.server, stop: () => app.close(), listen: (at) => app.listen(at) };
  }
  const server =
    protocol === 'h2'
      ? http2.createServer(answer)
      : createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, answer);
  return { server, stop: await STOPS[contender](server), listen: (at) => listen(server, at) };
}

/** What each contender makes of a server: the function that stops it. */
const STOPS = {
  'server.close()': (server) => () =>
    new Promise((resolve) => {
      server.close(resolve);
    }),
  'http-terminator': async (server) => {
    const { createHttpTerminator } = await import('http-terminator');
    const terminator = createHttpTerminator({ server, gracefulTerminationTimeout: GIVE_UP_MS });
    return () => terminator.terminate();
  },
  stoppable: async (server) => {
    const { default: stoppable } = await import('stoppable');
    stoppable(server, GIVE_UP_MS);
    return () =>
      new Promise((resolve) => {
        server.stop(resolve);
      });
  },
  '@godaddy/terminus': async (server) => {
    const { createTerminus } = await import('@godaddy/terminus');
    createTerminus(server, { signal: 'SIGUSR2', timeout: GIVE_UP_MS });
    // It ends the process by itself.
    return () => new Promise(() => process.kill(process.pid, 'SIGUSR2'));
  },
  'http-graceful-shutdown': async (server) => {
    const { default: gracefulShutdown } = await import('http-graceful-shutdown');
    return gracefulShutdown(server, {
      timeout: GIVE_UP_MS,
      signals: 'SIGUSR2',
      forceExit: false,
    });
  },
  gracefulServer: async (server) => {
    const { gracefulServer } = await import('../../packages/net/dist/index.mjs');
    const graceful = gracefulServer(server, { idleGrace, deadline: GIVE_UP_MS });
    return async () => process.send({ report: await graceful.shutdown() });
  },
};

function listen(server, at) {
  return new Promise((resolve) => {
    server.listen(at, resolve);
  });
}

const { server, stop, listen: start } = await makeServer();
await start({ port: 0, host: '127.0.0.1' });
const told = once(process, 'message');
process.send({ port: server.address().port });
await told;
await stop();
// What is left keeps the process alive: that it ends by itself is part of the contest.
process.disconnect();
