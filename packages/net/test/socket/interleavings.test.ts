import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CloseReport, SafeSocket } from '../../src/index.ts';
import { openEnds, TRANSPORTS } from './transports.ts';

const STEPS = [
  'read',
  'write',
  'write much',
  'endWrite',
  'close',
  'abort',
  'turn',
  'rest',
] as const;
type Step = { readonly end: 'client' | 'server'; readonly does: (typeof STEPS)[number] };

const step = fc.record({
  end: fc.constantFrom('client' as const, 'server' as const),
  does: fc.constantFrom(...STEPS),
});
const chunk = Buffer.alloc(10);
const much = Buffer.alloc(3_000_000);

/** Does a step without waiting for it; what it waits for is kept. */
async function take(does: Step['does'], socket: SafeSocket, pending: Promise<unknown>[]) {
  switch (does) {
    case 'read':
      pending.push(socket.read());
      break;
    case 'write':
      pending.push(socket.write(chunk));
      break;
    case 'write much':
      pending.push(socket.write(much));
      break;
    case 'endWrite':
      pending.push(socket.endWrite());
      break;
    case 'close':
      pending.push(socket.close({ deadline: 40 }));
      break;
    case 'abort':
      socket.abort();
      break;
    case 'turn':
      await new Promise((resolve) => setImmediate(resolve));
      break;
    case 'rest':
      await new Promise((resolve) => setTimeout(resolve, 2));
      break;
    default:
      does satisfies never;
  }
}

describe.each(TRANSPORTS)('any interleaving over %s', (transport) => {
  test('settles every promise, reports once an end, and leaves no rejection to nobody', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
          const reports = { client: [] as CloseReport[], server: [] as CloseReport[] };
          const closing = (end: 'client' | 'server') => ({
            close: {
              deadline: 40,
              onReport: (report: CloseReport) => void reports[end].push(report),
            },
          });
          await using ends = await openEnds(transport, {
            client: closing('client'),
            server: closing('server'),
          });
          const pending: Promise<unknown>[] = [];
          for (const { end, does } of steps) {
            await take(does, ends[end], pending);
            // Whatever rejects is looked at by allSettled() below, and meanwhile by this.
            for (const promise of pending) promise.catch(() => {});
          }
          const last = await Promise.all([ends.client.close(), ends.server.close()]);
          await Promise.allSettled(pending);
          expect(reports.client).toHaveLength(1);
          expect(reports.server).toHaveLength(1);
          expect([ends.client.raw.destroyed, ends.server.raw.destroyed]).toEqual([true, true]);
          for (const report of last) {
            expect(report.delivery === 'acked' && report.unsentBytes > 0).toBe(false);
            expect(report.outcome === 'graceful' && !(report.finSent && report.peerFin)).toBe(
              false,
            );
          }
        }),
        { numRuns: 150, endOnFailure: true },
      );
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
    expect(unhandled).toEqual([]);
  });
});
