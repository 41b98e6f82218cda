import { describe, expect, test } from 'vitest';

import { ReadTimeoutError, TotalTimeoutError } from '../../src/index.ts';
import { timeoutDispatcher } from '../../src/undici.ts';
import { StallingServer } from './stalling-server.ts';
import { fetch, request } from 'undici';

describe('timeoutDispatcher()', () => {
  test('total covers the body to its last byte', async () => {
    await using server = await StallingServer.start('drips-body');
    const dispatcher = timeoutDispatcher({}, { total: 300, read: 10_000 });
    const { body } = await request(server.url, { dispatcher });
    await expect(body.text()).rejects.toBeInstanceOf(TotalTimeoutError);
    await dispatcher.destroy();
  });

  test('read bounds the silence between two chunks, and fetch names it as the cause', async () => {
    await using server = await StallingServer.start('stalls-body');
    const dispatcher = timeoutDispatcher({}, { total: 10_000, read: 200 });
    const response = await fetch(server.url, { dispatcher });
    const error: unknown = await response.text().catch((error: unknown) => error);
    expect(error).toMatchObject({ cause: expect.any(ReadTimeoutError) });
    await dispatcher.destroy();
  });
});
