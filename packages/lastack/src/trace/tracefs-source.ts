import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { seen, unavailable, type Observation, type TraceRecord } from '@lastack/core';
import type { Libc } from '../kernel/ffi.ts';
import { openTracefsInstance } from '../kernel/tracefs.ts';
import { parseEventFormat } from './event-format.ts';
import { ProcessorPages } from './processor-pages.ts';
import { RawEventRecord, STATE_EVENT_FIELDS } from './raw-event-record.ts';
import { createThreadOwners } from './thread-owners.ts';
import type { TraceSource } from './trace-source.ts';

const EVENT = 'events/sock/inet_sock_set_state';
/** Of all processors together. The kernel's memory cannot be swapped out. */
const BUFFERS_KIB = 32_768;
const BUFFER_KIB_AT_LEAST = 512;
/** What is younger waits for the other processors' pages, ns. */
const SETTLE_NS = 2e6;

/**
 * Traces by raw pages of tracefs, in an instance of its own. Knows neither cookies nor network namespaces: sockets are told
 * apart by their address in the kernel's memory.
 *
 * @param buffersKib room for records that wait to be read, of all processors together
 */
export function openTracefsSource(libc: Libc, buffersKib = BUFFERS_KIB): Observation<TraceSource> {
  const share = Math.ceil(buffersKib / availableParallelism());
  const opened = openTracefsInstance({
    trace_clock: 'mono',
    buffer_size_kb: String(Math.max(Math.min(BUFFER_KIB_AT_LEAST, buffersKib), share)),
    [`${EVENT}/filter`]: 'protocol == 6',
    [`${EVENT}/enable`]: '1',
  });
  if (opened.kind === 'unavailable') return opened;
  const instance = opened.value;
  const text = readFileSync(join(instance.folder, EVENT, 'format'), 'utf8');
  const format = parseEventFormat(text, STATE_EVENT_FIELDS);
  if (format === null) {
    instance[Symbol.dispose]();
    return unavailable(
      'the event inet_sock_set_state has other fields than lastack knows',
      'use a Linux kernel from 4.16 on',
    );
  }
  const owners = createThreadOwners();
  const bootMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  const decoded = new RawEventRecord(format, bootMs, owners);
  const { id } = format;
  const processors = instance.pipes.map(
    (pipe) => new ProcessorPages(libc, pipe, instance.pageBytes),
  );
  return seen({
    method: 'tracefs',
    limits:
      'cookies, network namespaces, byte counts and errors: why a connection ended, and whether TIME-WAIT followed',
    knowsNetns: false,
    hasCookies: false,
    poll,
    lost: () => processors.reduce((sum, { lost }) => sum + lost, 0),
    [Symbol.dispose]: () => instance[Symbol.dispose](),
  });

  function poll(record: (record: TraceRecord) => void): number {
    owners.refresh();
    let count = 0;
    for (let isMore = true; isMore;) {
      isMore = false;
      let until = Number(process.hrtime.bigint()) - SETTLE_NS;
      for (const processor of processors) {
        if (!processor.fill()) continue;
        // What comes after what found no room must wait for it.
        isMore = true;
        until = Math.min(until, processor.lastNs);
      }
      count += merge(until, record);
    }
    return count;
  }

  function merge(until: number, record: (record: TraceRecord) => void): number {
    let count = 0;
    for (;;) {
      let [first] = processors;
      for (const processor of processors) if (processor.nextNs < first.nextNs) first = processor;
      const ns = first.nextNs;
      if (ns > until) return count;
      const { words } = first;
      const place = first.take();
      if ((words[place] & 0xffff) !== id) continue;
      decoded.moveTo(words, place, ns);
      record(decoded);
      count++;
    }
  }
}
