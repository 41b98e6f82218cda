import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';

import axios from 'axios';
import { got } from 'got';
import ky from 'ky';
import * as undici from 'undici';

import { HttpsTimeoutAgent, HttpTimeoutAgent, request, type Timeouts } from '../../src/index.ts';
import { timeoutDispatcher } from '../../src/undici.ts';

/** One exchange to the last byte of its body. */
export interface Task {
  readonly url: string;
  readonly timeouts: Timeouts;
  readonly lookup?: LookupFunction;
  readonly body?: Buffer;
  /** Called with what closes the client, which is not for the client to do: it could close what a limit has left open. */
  readonly onOpen: (close: () => Promise<void> | void) => void;
}

export type Client = (task: Task) => Promise<unknown>;

/** Every way to use the limits: the project's own call, its agents and its dispatcher under what people use. */
export const CLIENTS: Readonly<Record<string, Client>> = {
  'request()': withAgents(async ({ url, timeouts, body }, agents) => {
    const agent = url.startsWith('https:') ? agents.https : agents.http;
    const response = await request(url, {
      agent,
      timeouts,
      method: methodOf({ body }),
      ...(body && { body }),
    });
    return response.bytes();
  }),
  'node:http': withAgents(
    ({ url, body }, agents) =>
      new Promise((resolve, reject) => {
        const [client, agent] = url.startsWith('https:')
          ? [https, agents.https]
          : [http, agents.http];
        const outgoing = client.request(url, { agent, method: methodOf({ body }) });
        outgoing.on('error', reject);
        outgoing.on('response', (response) => {
          response.on('error', reject);
          response.on('end', resolve);
          response.resume();
        });
        outgoing.end(body);
      }),
  ),
  axios: withAgents(({ url, body }, agents) =>
    axios({
      url,
      method: methodOf({ body }),
      ...(body && { data: body }),
      httpAgent: agents.http,
      httpsAgent: agents.https,
      maxBodyLength: Infinity,
      proxy: false,
    }),
  ),
  got: withAgents(({ url, body }, agents) =>
    got(url, {
      agent: agents,
      method: methodOf({ body }),
      ...(body && { body }),
      retry: { limit: 0 },
    }).buffer(),
  ),
  'undici.request': withDispatcher(async ({ url, body }, dispatcher) => {
    const response = await undici.request(url, {
      dispatcher,
      method: methodOf({ body }),
      body: body ?? null,
    });
    return response.body.bytes();
  }),
  'undici.fetch': withDispatcher(async ({ url, body }, dispatcher) => {
    const response = await undici.fetch(url, {
      dispatcher,
      method: methodOf({ body }),
      body: body ?? null,
    });
    return response.bytes();
  }),
  "Node's fetch": withDispatcher(async ({ url, body }, dispatcher) => {
    const init = { dispatcher, method: methodOf({ body }), body: body ?? null };
    const response = await fetch(url, init as object);
    return response.arrayBuffer();
  }),
  ky: withDispatcher(({ url, body }, dispatcher) =>
    ky(url, {
      ...({ dispatcher } as object),
      method: methodOf({ body }),
      ...(body && { body: new Uint8Array(body) }),
      retry: 0,
      timeout: false,
    }).arrayBuffer(),
  ),
};

interface Agents {
  readonly http: HttpTimeoutAgent;
  readonly https: HttpsTimeoutAgent;
}

function methodOf({ body }: { readonly body?: Buffer | undefined }): 'GET' | 'POST' {
  return body ? 'POST' : 'GET';
}

function withAgents(use: (task: Task, agents: Agents) => Promise<unknown>): Client {
  return (task) => {
    const options = { timeouts: task.timeouts, ...(task.lookup && { lookup: task.lookup }) };
    const agents = { http: new HttpTimeoutAgent(options), https: new HttpsTimeoutAgent(options) };
    task.onOpen(() => {
      agents.http.destroy();
      agents.https.destroy();
    });
    return use(task, agents);
  };
}

function withDispatcher(
  use: (task: Task, dispatcher: undici.Dispatcher) => Promise<unknown>,
): Client {
  return (task) => {
    const options = task.lookup ? { connect: { lookup: task.lookup } } : {};
    const dispatcher = timeoutDispatcher(options, task.timeouts);
    task.onOpen(() => dispatcher.destroy());
    return use(task, dispatcher);
  };
}
