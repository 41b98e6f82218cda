import { seen, type Observation } from '../src/evidence/observation.ts';
import type { CallSeen, ThreadActivity, ThreadSight } from '../src/evidence/process-facts.ts';

/** A thread that was in one system call whenever it was looked at. */
export function threadIn(
  name: string,
  call: Partial<CallSeen> = {},
  more: Partial<ThreadActivity> = {},
): ThreadActivity {
  return {
    tid: 7,
    name: 'server',
    state: 'S',
    samples: 20,
    running: 0,
    cpu: { user: 0, system: 0 },
    voluntarySwitches: 0,
    calls: [{ name, samples: 20, fd: null, target: null, childPid: null, ...call }],
    wchan: '',
    ...more,
  };
}

export function threadsSeen(...threads: ThreadActivity[]): Observation<ThreadSight> {
  return seen({ threads, omitted: 0, callsHidden: null });
}
