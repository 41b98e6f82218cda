import { readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AF_INET6, seen, unavailable, type Observation, type TraceRecord } from '@lastack/core';
import { foreignBuffer } from '../kernel/ffi.ts';
import { openTracefsInstance } from '../kernel/tracefs.ts';
import { parseEventFormat, type EventFormat } from './event-format.ts';
import { walkRawPage } from './raw-page.ts';
import type { TraceSource } from './trace-source.ts';

const EVENT = 'events/sock/inet_sock_set_state';
const FIELDS = [
  'common_pid',
  'skaddr',
  'oldstate',
  'newstate',
  'sport',
  'dport',
  'family',
  'saddr',
  'daddr',
  'saddr_v6',
  'daddr_v6',
] as const;
/** For each processor. */
const BUFFER_KIB = 8192;
/** What is younger waits for the other processors' pages, ms. */
const SETTLE_MS = 2;

/**
 * Traces by raw pages of tracefs, in an instance of its own. Knows neither cookies nor network namespaces: sockets are told
 * apart by their address in the kernel's memory.
 */
export function openTracefsSource(): Observation<TraceSource> {
  const opened = openTracefsInstance({
    trace_clock: 'mono',
    buffer_size_kb: String(BUFFER_KIB),
    [`${EVENT}/filter`]: 'protocol == 6',
    [`${EVENT}/enable`]: '1',
  });
  if (opened.kind === 'unavailable') return opened;
  const instance = opened.value;
  const format = parseEventFormat(
    readFileSync(join(instance.folder, EVENT, 'format'), 'utf8'),
    FIELDS,
  );
  if (format === null) {
    instance[Symbol.dispose]();
    return unavailable(
      'the event inet_sock_set_state has other fields than lastack knows',
      'use a Linux kernel from 4.16 on',
    );
  }
  const bootMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  const page = foreignBuffer(instance.pageBytes);
  const words = new Uint32Array(page.buffer);
  let waiting: TraceRecord[] = [];
  let lost = 0;
  return seen({
    method: 'tracefs',
    limits:
      'no cookies, network namespaces, byte counts or errors: why a connection ended is not known',
    poll(record) {
      const before = waiting.length;
      const until = Date.now() - SETTLE_MS;
      for (const pipe of instance.pipes) readPages(pipe);
      if (waiting.length > before) waiting.sort((a, b) => a.atMs - b.atMs);
      const ready = waiting.findLastIndex(({ atMs }) => atMs <= until) + 1;
      for (let i = 0; i < ready; i++) record(waiting[i]);
      waiting = waiting.slice(ready);
    },
    lost: () => lost,
    [Symbol.dispose]: () => instance[Symbol.dispose](),
  });

  function readPages(pipe: number): void {
    while (readPage(pipe)) {
      lost += walkRawPage(words, (at, ns) => {
        if (format !== null && (words[at] & 0xffff) === format.id) {
          waiting.push(decode(page, at * 4, format, bootMs + ns / 1e6));
        }
      });
    }
  }

  function readPage(pipe: number): boolean {
    try {
      return readSync(pipe, page, 0, page.length, null) > 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      throw error;
    }
  }
}

function decode(page: Buffer, at: number, { offsets }: EventFormat, atMs: number): TraceRecord {
  const family = page.readUInt16LE(at + offsets['family']);
  const isIpv6 = family === AF_INET6;
  const addresses = new Uint32Array(8);
  const source = at + offsets[isIpv6 ? 'saddr_v6' : 'saddr'];
  const destination = at + offsets[isIpv6 ? 'daddr_v6' : 'daddr'];
  for (let word = 0; word < (isIpv6 ? 4 : 1); word++) {
    addresses[word] = page.readUInt32LE(source + 4 * word);
    addresses[4 + word] = page.readUInt32LE(destination + 4 * word);
  }
  const skaddr = at + offsets['skaddr'];
  return {
    atMs,
    // A kernel address differs from another in its lower 48 bits.
    socket: page.readUInt16LE(skaddr + 4) * 2 ** 32 + page.readUInt32LE(skaddr),
    netns: null,
    from: page.readInt32LE(at + offsets['oldstate']),
    to: page.readInt32LE(at + offsets['newstate']),
    family,
    localPort: page.readUInt16LE(at + offsets['sport']),
    remotePort: page.readUInt16LE(at + offsets['dport']),
    addresses,
    at: 0,
    error: null,
    pid: page.readInt32LE(at + offsets['common_pid']),
    command: null,
    finReceived: null,
    orphaned: null,
    acked: null,
    received: null,
  };
}
