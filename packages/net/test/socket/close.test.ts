import { describe, expect, test } from 'vitest';
import { ConnectionResetError, type SafeSocket, SocketClosedError } from '../../src/index.ts';
import { canAskForUnacked } from '../../src/socket/unacked-bytes.ts';
import { openEnds, readAll, type Transport, TRANSPORTS } from './transports.ts';

const LARGE = 8 * 1024 * 1024;

function delivered(transport: Transport): 'acked' | 'unknown' {
  return transport !== 'unix' && canAskForUnacked() ? 'acked' : 'unknown';
}

describe.each(TRANSPORTS)('close() over %s', (transport) => {
  test('flushes all that was written, and reports it', async () => {
    await using ends = await openEnds(transport);
    const arriving = readAll(ends.server);
    void ends.client.write(Buffer.alloc(LARGE, 'x'));
    const closing = ends.client.close();
    expect(await arriving).toHaveLength(LARGE);
    await ends.server.close();
    expect(await closing).toMatchObject({
      outcome: 'graceful',
      finSent: true,
      peerFin: true,
      delivery: delivered(transport),
      unsentBytes: 0,
      discardedBytes: 0,
    });
  });

  test('is idempotent, also against itself in flight', async () => {
    await using ends = await openEnds(transport);
    const first = ends.client.close();
    const second = ends.client.close();
    expect(second).toBe(first);
    await ends.server.close();
    expect(await ends.client.close()).toBe(await first);
  });

  test('rejects a read in flight, and every use afterwards', async () => {
    await using ends = await openEnds(transport);
    const read = ends.client.read();
    const closing = ends.client.close();
    await expect(read).rejects.toThrow(SocketClosedError);
    await expect(ends.client.write('x')).rejects.toThrow(SocketClosedError);
    await expect(ends.client.read()).rejects.toThrow(SocketClosedError);
    await expect(ends.client.endWrite()).rejects.toThrow(SocketClosedError);
    await ends.server.close();
    await closing;
  });

  test('sends what a write in flight has not sent yet', async () => {
    await using ends = await openEnds(transport);
    const writing = ends.client.write(Buffer.alloc(LARGE));
    const closing = ends.client.close();
    const [all] = await Promise.all([readAll(ends.server), writing]);
    expect(all).toHaveLength(LARGE);
    await ends.server.close();
    expect((await closing).outcome).toBe('graceful');
  });

  test('ends at the deadline when the peer holds its side open', async () => {
    await using ends = await openEnds(transport);
    await ends.client.write('hello');
    const report = await ends.client.close({ deadline: 100 });
    expect(report).toMatchObject({ outcome: 'deadline', finSent: true, peerFin: false });
    expect(report.durationMs).toBeGreaterThanOrEqual(99);
    expect(ends.client.raw.destroyed).toBe(true);
  });

  test('ends at the deadline when the peer does not read, and says what is missing', async () => {
    await using ends = await openEnds(transport);
    const writing = ends.client.write(Buffer.alloc(4 * LARGE));
    const closing = ends.client.close({ deadline: 100 });
    await expect(writing).rejects.toThrow(SocketClosedError);
    const report = await closing;
    expect(report).toMatchObject({ outcome: 'deadline', finSent: false, delivery: 'unacked' });
    expect(report.unsentBytes).toBeGreaterThan(LARGE);
    expect(report.unsentBytes).toBeLessThan(4 * LARGE);
  });

  test('gives up on a peer that sends nothing for the idle limit', async () => {
    await using ends = await openEnds(transport);
    const report = await ends.client.close({ idle: 50 });
    expect(report.outcome).toBe('deadline');
    expect(report.durationMs).toBeLessThan(5_000);
  });

  test('gives up on a peer that sends more than the discard limit', async () => {
    await using ends = await openEnds(transport);
    ends.server.write(Buffer.alloc(LARGE)).catch(() => {});
    const report = await ends.client.close({ discardLimit: 100_000 });
    expect(report.outcome).toBe('deadline');
    expect(report.discardedBytes).toBeGreaterThan(100_000);
    expect(report.discardedBytes).toBeLessThan(LARGE);
  });

  test('discards what the peer still sends, so that the reply arrives', async () => {
    await using ends = await openEnds(transport);
    const upload = Buffer.alloc(1024 * 1024);
    const uploading = ends.client.write(upload).then(() => ends.client.endWrite());
    void ends.server.write(Buffer.alloc(LARGE, 'r'));
    const closing = ends.server.close();
    const [reply] = await Promise.all([readAll(ends.client), uploading]);
    expect(reply).toHaveLength(LARGE);
    await ends.client.close();
    expect(await closing).toMatchObject({
      outcome: 'graceful',
      delivery: delivered(transport),
      discardedBytes: upload.length,
    });
  });

  test('may be shortened by a later call, and not lengthened', async () => {
    await using ends = await openEnds(transport);
    const closing = ends.client.close({ deadline: 300 });
    void ends.client.close({ deadline: 60_000 });
    void ends.client.close({ deadline: 50 });
    const report = await closing;
    expect(report.outcome).toBe('deadline');
    expect(report.durationMs).toBeLessThan(290);
  });

  test('may be escalated to abort()', async () => {
    await using ends = await openEnds(transport);
    const closing = ends.client.close();
    const reason = new Error('enough');
    ends.client.abort(reason);
    expect(await closing).toMatchObject({ outcome: 'aborted', error: reason });
  });

  test('reports what was acknowledged when the peer closed first', async () => {
    await using ends = await openEnds(transport);
    await ends.client.write('request');
    await ends.client.endWrite();
    expect(String(await readAll(ends.server))).toBe('request');
    void ends.server.write(Buffer.alloc(LARGE));
    const closing = ends.server.close();
    expect(await readAll(ends.client)).toHaveLength(LARGE);
    expect(await closing).toMatchObject({ outcome: 'graceful', delivery: delivered(transport) });
    expect(await ends.client.close()).toMatchObject({
      outcome: 'graceful',
      delivery: delivered(transport),
    });
  });

  test('counts what nobody has read', async () => {
    await using ends = await openEnds(transport);
    await ends.server.write('12345');
    await ends.server.endWrite();
    await expect.poll(() => ends.client.raw.bytesRead).toBe(5);
    const report = await ends.client.close();
    expect(report).toMatchObject({ outcome: 'graceful', discardedBytes: 5 });
  });

  test('half-close: the peer reads the end, and what it answers is read', async () => {
    await using ends = await openEnds(transport);
    await ends.client.endWrite();
    expect(await ends.server.read()).toBeNull();
    await ends.server.write('answer');
    await ends.server.endWrite();
    expect(String(await readAll(ends.client))).toBe('answer');
    expect(await ends.client.read()).toBeNull();
    await expect(ends.client.write('more')).rejects.toThrow(/after endWrite/);
    expect((await ends.client.close()).outcome).toBe('graceful');
    expect((await ends.server.close()).outcome).toBe('graceful');
  });

  test('await using closes when the body throws', async () => {
    await using ends = await openEnds(transport);
    void ends.server.close();
    let inner: SafeSocket | undefined;
    const body = async (): Promise<void> => {
      await using socket = ends.client;
      inner = socket;
      throw new Error('body');
    };
    await expect(body()).rejects.toThrow('body');
    expect(inner?.raw.destroyed).toBe(true);
  });

  test('tells onReport once, however the socket ended', async () => {
    const outcomes: string[] = [];
    const close = { onReport: ({ outcome }: { outcome: string }) => void outcomes.push(outcome) };
    await using ends = await openEnds(transport, { client: { close } });
    ends.client.abort();
    await ends.client.close();
    await ends.client.close();
    expect(outcomes).toEqual(['aborted']);
  });

  test('rejects a limit that is none', async () => {
    await using ends = await openEnds(transport);
    await expect(ends.client.close({ deadline: Number.NaN })).rejects.toThrow(RangeError);
    await expect(ends.client.close({ idle: -1 })).rejects.toThrow(RangeError);
  });
});

describe.each(['tcp', 'tls'] as const)('a reset over %s', (transport) => {
  test('rejects what is pending and every later use, and is in the report', async () => {
    await using ends = await openEnds(transport);
    const read = ends.client.read();
    ends.server.abort();
    await expect(read).rejects.toThrow(ConnectionResetError);
    await expect(ends.client.read()).rejects.toThrow(ConnectionResetError);
    await expect(ends.client.write('x')).rejects.toThrow(ConnectionResetError);
    expect(await ends.client.close()).toMatchObject({ outcome: 'peer-reset', peerFin: false });
  });
});
