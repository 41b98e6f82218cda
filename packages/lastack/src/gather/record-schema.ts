// What a record may hold: core/src/evidence, value by value. A column must be as long as its table says.
import * as v from 'valibot';
import {
  AF_INET6,
  ROW_COLUMNS,
  type Evidence,
  type Observation,
  type OwnerTable,
  type SocketTable,
} from '@lastack/core';
import { RECORD_FORMAT } from './record.ts';

const MOST_ROWS = 1 << 26;

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Rows = v.pipe(Count, v.maxValue(MOST_ROWS));
/** Text goes to a terminal, so it holds no control characters. */
const Text = v.pipe(v.string(), v.regex(/^\P{Cc}*$/u, 'control characters in a text'));
const NullableText = v.nullable(Text);

const Words = v.pipe(
  v.object({ u32: v.pipe(v.string(), v.base64()) }),
  v.transform(({ u32 }) => aligned(u32)),
  v.check((bytes) => bytes.length % 4 === 0, 'a column ends within a word'),
  v.transform((bytes) => new Uint32Array(bytes.buffer)),
);
const Bytes = v.pipe(
  v.object({ u8: v.pipe(v.string(), v.base64()) }),
  v.transform(({ u8 }) => aligned(u8)),
);

function aligned(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function mapOf<Key, Value>(
  key: v.GenericSchema<unknown, Key>,
  value: v.GenericSchema<unknown, Value>,
) {
  return v.pipe(
    v.object({ map: v.array(v.tuple([key, value])) }),
    v.transform(({ map }) => new Map<Key, Value>(map)),
  );
}

const Problem = v.object({ reason: Text, remedy: Text });
const Unavailable = v.object({ kind: v.literal('unavailable'), reason: Text, remedy: Text });

function observed<Value>(
  value: v.GenericSchema<unknown, Value>,
): v.GenericSchema<unknown, Observation<Value>> {
  return v.variant('kind', [v.object({ kind: v.literal('ok'), value }), Unavailable]);
}

const Columns = v.object(
  Object.fromEntries(ROW_COLUMNS.map((name) => [name, Words])) as Record<
    (typeof ROW_COLUMNS)[number],
    typeof Words
  >,
);
const Info = v.object({
  known: Bytes,
  lastDataSent: Words,
  lastDataRecv: Words,
  lastAckRecv: Words,
  dataSegsIn: Words,
});

const Table = v.pipe(
  v.object({ count: Rows, columns: Columns, addresses: Words, info: v.nullable(Info) }),
  v.check(
    ({ count, columns, info }) =>
      Object.values({ ...columns, ...info }).every((column) => column.length === count),
    'a column is shorter or longer than its table',
  ),
  v.check(
    ({ columns, addresses }) =>
      columns.head.every(
        (head, row) =>
          (head & 0xff) !== AF_INET6 || (columns.source[row] + 1) * 8 <= addresses.length,
      ),
    'an IPv6 address is missing',
  ),
  v.transform(({ count, columns, addresses, info }): SocketTable => ({
    count,
    ...columns,
    addresses6: addresses,
    info,
  })),
);

const Netns = v.object({
  inode: Count,
  isOwn: v.boolean(),
  name: NullableText,
  problem: v.nullable(Problem),
});

const SocketSight = v.object({
  first: v.nullable(Table),
  last: Table,
  netns: v.array(Netns),
  method: v.picklist(['sock_diag', 'procfs']),
});

const Owners: v.GenericSchema<unknown, OwnerTable> = v.pipe(
  v.object({
    count: Rows,
    pid: Words,
    fd: Words,
    inode: Words,
    tcp: v.nullable(Words),
    commands: mapOf(Count, Text),
    method: v.picklist(['bpf', 'readlink']),
    methodReason: NullableText,
    unreadable: v.array(v.object({ count: v.nullable(Count), reason: Text, remedy: Text })),
  }),
  v.check(
    ({ count, pid, fd, inode, tcp }) =>
      [pid, fd, inode, tcp ?? pid].every((column) => column.length === count),
    'a column is shorter or longer than its table',
  ),
);

const Call = v.object({
  name: Text,
  samples: Count,
  fd: v.nullable(v.number()),
  target: NullableText,
  childPid: v.nullable(v.number()),
});

const Thread = v.object({
  tid: Count,
  name: Text,
  state: Text,
  samples: Count,
  running: Count,
  cpu: v.nullable(v.object({ user: v.number(), system: v.number() })),
  voluntarySwitches: v.nullable(v.number()),
  calls: v.array(Call),
  wchan: Text,
});

const Facts = v.object({
  pid: Count,
  parentPid: Count,
  command: Text,
  executable: observed(Text),
  uid: Count,
  runtime: v.picklist(['node', 'python', 'go', 'java', 'other']),
  container: NullableText,
  netns: v.exactOptional(Count),
  descriptors: observed(
    v.object({ open: Count, openBefore: v.exactOptional(Count), limit: v.nullable(Count) }),
  ),
  threads: observed(
    v.object({ threads: v.array(Thread), omitted: Count, callsHidden: v.nullable(Unavailable) }),
  ),
  watched: observed(
    v.object({
      instances: Count,
      fds: v.array(Count),
      muted: v.array(Count),
      complete: v.boolean(),
    }),
  ),
  zombies: v.array(Count),
  zombiesBefore: v.exactOptional(v.array(Count)),
});

const Counters = v.record(Text, v.number());

const EvidenceSchema: v.GenericSchema<unknown, Evidence> = v.object({
  host: Text,
  kernel: Text,
  at: v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15)),
  windowMs: v.pipe(v.number(), v.minValue(0)),
  sockets: observed(SocketSight),
  owners: observed(Owners),
  firstOwners: v.exactOptional(v.nullable(Owners)),
  processes: observed(mapOf(Count, Facts)),
  counters: observed(v.object({ first: v.nullable(Counters), last: Counters })),
  settings: observed(
    v.object({
      values: v.record(Text, Text),
      configured: v.array(v.object({ file: Text, line: Count, key: Text, value: Text })),
    }),
  ),
});

export const RecordSchema = v.object({
  format: v.literal(RECORD_FORMAT),
  evidence: EvidenceSchema,
});
