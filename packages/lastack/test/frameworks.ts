import type { RuleId } from '@lastack/core';

/** What a program that leaks speaks to: `programs/frameworks/peer.mjs` in that protocol, or a server that never answers. */
export type Peer = 'http' | 'postgres' | 'redis' | 'silent';

/** A program of `programs/frameworks/`, written as the users of its framework or client write it. */
export interface FrameworkProgram {
  /** Its file, without `.mjs`. */
  readonly name: string;
  readonly peer: Peer;
  /** Length of an answer over HTTP, KiB: more than the program's buffers hold, and less than with the kernel's. */
  readonly kib?: number;
  /** A server gets requests, or uploads that are broken off; a client makes its connections by itself. */
  readonly visits: 'none' | 'requests' | 'uploads';
  readonly rule: RuleId;
  /** What `doctor --attach` must tell: a role, and the line of the program. */
  readonly attach: readonly string[];
  /** And what of notes, where no line can be known. */
  readonly note?: RegExp;
  /** What the fix must say that `doctor --attach` tells. */
  readonly fix?: string;
  /** How long the doctor must look: connections with keepalive hide since when they are closed. */
  readonly watch?: string;
  /** The line that made the connections, which `lastack run` must tell, or the doctor of a program that it runs. */
  readonly made?: string;
}

const FETCH = 'await response.body?.cancel()';
const HTTP = 'response.resume()';
const UNDICI = 'await body.dump()';

export const FRAMEWORK_PROGRAMS: readonly FrameworkProgram[] = [
  {
    name: 'express-upload',
    peer: 'silent',
    visits: 'uploads',
    rule: 'close-wait-leak',
    attach: ['handled: async function upload(req, res) {'],
  },
  {
    name: 'express-status',
    peer: 'http',
    visits: 'requests',
    rule: 'close-wait-leak',
    attach: ['held: const answers = new Map();'],
    fix: FETCH,
    made: 'if (!answers.has(name)) answers.set(name, await fetch(`${UPSTREAM}/${name}`));',
  },
  {
    name: 'fastify-upload',
    peer: 'silent',
    visits: 'uploads',
    rule: 'close-wait-leak',
    attach: ["handled: fastify.post('/upload', async (request, reply) => {"],
  },
  {
    name: 'express-pg',
    peer: 'postgres',
    visits: 'requests',
    rule: 'fd-limit-near',
    attach: ["handled: client.on('error', (error) => console.error(error.message));"],
    made: 'await client.connect();',
  },
  {
    name: 'fastify-ioredis',
    peer: 'redis',
    visits: 'requests',
    rule: 'fd-limit-near',
    attach: ['held: const clients = new Map();'],
  },
  {
    ...client('fetch-kept', 'const answer = await fetch(`http://127.0.0.1:${upstream}/${name}`);'),
    attach: ['held: const answers = [];'],
    fix: FETCH,
  },
  {
    ...client(
      'fetch-peek',
      'const { body } = await fetch(`http://127.0.0.1:${upstream}/${name}`);',
    ),
    kib: 256,
    fix: FETCH,
    note: /^descriptors \d+, \d+, \d+: an answer that nobody has read to its end; which line called fetch\(\) cannot be seen in a running program: start it with `lastack run -- …`, which records it$/,
  },
  {
    ...client(
      'undici-kept',
      'const answer = await request(`http://127.0.0.1:${upstream}/${name}`);',
    ),
    attach: ['held: const answers = new Map();'],
    fix: UNDICI,
  },
  {
    ...client('undici-pool', "const { statusCode } = await pool.request({ path, method: 'GET' });"),
    attach: ['held: const pool = new Pool(`http://127.0.0.1:${upstream}`);'],
    fix: UNDICI,
  },
  {
    ...client(
      'http-get',
      "const request = get({ host: '127.0.0.1', port: upstream, path }, (answer) =>",
    ),
    attach: ["handled: request.on('error', (error) => reject(error));"],
    fix: HTTP,
    watch: '12s',
  },
  {
    ...client(
      'http-agent',
      "http.get({ host: '127.0.0.1', port: upstream, path, agent }, (answer) =>",
    ),
    attach: ['held: const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });'],
    fix: HTTP,
    watch: '12s',
  },
];

/** A program that makes its connections at once and stays. */
function client(name: string, made: string): FrameworkProgram {
  return { name, peer: 'http', visits: 'none', rule: 'close-wait-leak', attach: [], made };
}
