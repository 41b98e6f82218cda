import { NEVER_READS } from '@lastack/core';
import type { Scenario } from '../scenario.ts';
import { SPEAKS_AND_LEAVES } from './model-programs.ts';

export const CLOSE_WAITS: readonly Scenario[] = [
  {
    id: 'stuck-server',
    title: 'a server that reads once and spins',
    shows:
      'The client has closed, the handler computes for ever: its end of the stream lies unread, and CLOSE-WAIT lasts as long as the program.',
    lookAt:
      "ss -tanp state close-wait: Recv-Q 1 is the client's FIN, unread; top shows the processor that it uses",
    programs: [
      { role: 'server', file: 'stuck-server.mjs', args: ['PORT'] },
      {
        role: 'client',
        file: 'client.mjs',
        args: ['127.0.0.1', 'PORT', '1', 'send', 'wait=300', 'close'],
      },
    ],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: NEVER_READS },
      findings: [{ rule: 'close-wait-leak', cause: 'spinning', holder: 'server' }],
    },
  },
];
