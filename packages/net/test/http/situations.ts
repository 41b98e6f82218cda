import { NetError, type TimeoutPhase, type Timeouts } from '../../src/index.ts';
import type { Client, Task } from './clients.ts';
import { FullBacklog } from './full-backlog.ts';
import { untilSocketsTowards } from './open-sockets.ts';
import { type Stall, StallingServer } from './stalling-server.ts';

const PLENTY_MS = 30_000;

/** A peer that keeps a client waiting, and the one limit that must end that. */
export interface Situation {
  readonly phase: TimeoutPhase;
  readonly stall?: Stall;
  readonly options?: Partial<Task>;
  readonly tls?: boolean;
}

const stuckLookup = { lookup: () => {} };
const upload = { body: Buffer.alloc(32 << 20) };

export const SITUATIONS: Readonly<Record<string, Situation>> = {
  'a name that is never resolved': { phase: 'lookup', options: stuckLookup },
  'a SYN that is never answered': { phase: 'connect' },
  'a TLS handshake that stalls': { phase: 'tls', stall: 'never-answers', tls: true },
  'a peer that never reads the upload': { phase: 'write', stall: 'never-reads', options: upload },
  'a peer that never answers': { phase: 'headers', stall: 'never-answers' },
  'a head that drips': { phase: 'headers', stall: 'drips-headers' },
  'a peer that is silent before the head': { phase: 'read', stall: 'never-answers' },
  'a body that stalls': { phase: 'read', stall: 'stalls-body' },
  'a body that drips': { phase: 'total', stall: 'drips-body' },
  'a connection without traffic': { phase: 'idle', stall: 'stalls-body' },
  'total: a name that is never resolved': { phase: 'total', options: stuckLookup },
  'total: a SYN that is never answered': { phase: 'total' },
  'total: a TLS handshake that stalls': { phase: 'total', stall: 'never-answers', tls: true },
};

export interface Outcome {
  readonly error: unknown;
  readonly elapsedMs: number;
  /** From the error to the moment when the kernel had no socket of the exchange, ms. */
  readonly closedAfterMs: number;
}

/** Runs into the limit, and waits until the kernel has no socket of the exchange any more. */
export async function exchange(
  client: Client,
  situation: Situation,
  budgetMs: number,
): Promise<Outcome> {
  const { phase, stall, options = {}, tls = false } = situation;
  await using peer = stall ? await StallingServer.start(stall) : await FullBacklog.start();
  const others = peer instanceof FullBacklog ? peer.fillers : 0;
  const url = new URL(peer.url);
  if (tls) url.protocol = 'https:';
  if (options.lookup) url.hostname = 'stuck.test';

  const startedAt = performance.now();
  const closers: (() => Promise<void> | void)[] = [];
  const onOpen: Task['onOpen'] = (close) => closers.push(close);
  const error = await client({
    url: url.href,
    timeouts: allBut(phase, budgetMs),
    onOpen,
    ...options,
  }).then(
    () => new Error('the exchange came to an end'),
    (error: unknown) => netErrorIn(error),
  );
  const elapsedMs = performance.now() - startedAt;
  await untilSocketsTowards(peer.port, others);
  const closedAfterMs = performance.now() - startedAt - elapsedMs;
  for (const close of closers) await close();
  return { error, elapsedMs, closedAfterMs };
}

function allBut(phase: TimeoutPhase, budgetMs: number): Timeouts {
  const plenty = PLENTY_MS;
  const timeouts = {
    lookup: plenty,
    connect: plenty,
    tls: plenty,
    write: plenty,
    headers: plenty,
    read: plenty,
    idle: plenty,
    pool: plenty,
    total: plenty,
  };
  return { ...timeouts, [phase]: budgetMs };
}

/** What a client wraps is the cause of what it throws. */
function netErrorIn(error: unknown): unknown {
  for (let seen = error; seen instanceof Error; seen = seen.cause) {
    if (seen instanceof NetError) return seen;
  }
  return error;
}
