import { expect, test } from 'vitest';
import { unreadAnswerStep } from './unread-answer-fix.ts';

test.each([
  ['fetch', 'await response.body?.cancel()'],
  ['http', 'response.resume()'],
  ['undici', 'await body.dump()'],
] as const)('unreadAnswerStep() says how answers of %s are given up', (client, call) => {
  expect(unreadAnswerStep(client)).toMatchObject({ language: 'Node' });
  expect(unreadAnswerStep(client).text).toContain(call);
});
