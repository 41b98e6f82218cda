import {
  numberOf,
  portRangeOf,
  seen,
  type HostLimits,
  type Observation,
  type Settings,
} from '@lastack/core';
import { parseOpenFilesLimit } from '../kernel/procfs/limits.ts';
import { readProcText } from '../kernel/procfs/read-proc.ts';
import { readSettings } from '../kernel/procfs/settings.ts';

/** sizeof(struct inet_timewait_sock) with its slab's padding, Linux 6.18 on x86-64. */
const TIME_WAIT_BYTES = 256;

/** This host's limits for a new program, and the settings that they come from. */
export interface HostLimitsRead {
  readonly limits: HostLimits;
  readonly settings: Settings;
}

/** Reads what limits connections: ports, TIME-WAIT's reuse, descriptors (of a program that is started like this one). */
export function readHostLimits(): Observation<HostLimitsRead> {
  const settings = readSettings();
  if (settings.kind === 'unavailable') return settings;
  const { value } = settings;
  const reuse = numberOf(value, 'net.ipv4.tcp_tw_reuse', 2);
  return seen({
    settings: value,
    limits: {
      ports: portRangeOf(value).size,
      twReuse: reuse === 1 || reuse === 2 ? reuse : 0,
      twReuseDelayMs: numberOf(value, 'net.ipv4.tcp_tw_reuse_delay', 1000),
      timestamps: numberOf(value, 'net.ipv4.tcp_timestamps', 1) !== 0,
      descriptorLimit: readDescriptorLimit() ?? Infinity,
      descriptorsUsed: 0,
      maxTimeWaits: numberOf(value, 'net.ipv4.tcp_max_tw_buckets', Infinity),
      timeWaitBytes: readTimeWaitBytes() ?? TIME_WAIT_BYTES,
    },
  });
}

function readDescriptorLimit(): number | null {
  const text = readProcText('/proc/self/limits');
  const limit = text.kind === 'ok' ? parseOpenFilesLimit(text.value) : text;
  return limit.kind === 'ok' ? limit.value : null;
}

/** Only root may read the slabs. */
function readTimeWaitBytes(): number | null {
  const text = readProcText('/sys/kernel/slab/tw_sock_TCP/slab_size');
  return text.kind === 'ok' && /^\d+\s*$/.test(text.value) ? Number(text.value) : null;
}
