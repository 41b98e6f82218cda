import { describe, expect, test } from 'vitest';

import {
  connect,
  HttpsTimeoutAgent,
  HttpTimeoutAgent,
  request,
  type Timeouts,
} from '../src/index.ts';
import { timeoutDispatcher } from '../src/undici.ts';

/** Whatever takes limits, with what JavaScript may give it. */
const TAKERS: Readonly<Record<string, (timeouts: Timeouts) => unknown>> = {
  'request()': (timeouts) => request('http://127.0.0.1/', { timeouts }),
  'connect()': (timeouts) => connect({ host: '127.0.0.1', port: 1, timeouts }),
  HttpTimeoutAgent: (timeouts) => new HttpTimeoutAgent({ timeouts }),
  HttpsTimeoutAgent: (timeouts) => new HttpsTimeoutAgent({ timeouts }),
  'timeoutDispatcher()': (timeouts) => timeoutDispatcher({}, timeouts),
};

describe.each(Object.entries(TAKERS))('the limits of %s', (_, take) => {
  const error = (timeouts: unknown): Promise<unknown> =>
    (async () => take(timeouts as Timeouts))().catch((error: unknown) => error);

  test('with a name that is none are refused, and the names told', async () => {
    expect(await error({ conect: 5 })).toEqual(
      new TypeError(
        'timeouts.conect is unknown: there are lookup, connect, tls, write, headers, read, idle, pool, total',
      ),
    );
  });

  test.each([5, 'fast', [5]])('are an object, not %j', async (timeouts) => {
    expect(await error(timeouts)).toBeInstanceOf(TypeError);
    expect(String(await error(timeouts))).toContain('timeouts must be an object');
  });

  test('are positive numbers', async () => {
    expect(await error({ connect: 0 })).toBeInstanceOf(RangeError);
  });
});

test.each(['HttpTimeoutAgent', 'HttpsTimeoutAgent', 'timeoutDispatcher()'])(
  '%s without limits says that it needs them',
  (name) => {
    expect(() => TAKERS[name]?.(undefined as unknown as Timeouts)).toThrow(
      /^timeouts must be an object such as .*, not undefined$/,
    );
  },
);
