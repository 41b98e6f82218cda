import type { CallSeen, ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';

/** CPU of one thread, as a share of a processor, from which on it does nothing but run. */
const BUSY = 0.7;
const ENOUGH_SAMPLES = 5;
/** Voluntary switches a sample (20 of them in a second) up to which a thread has hardly moved. */
const STUCK = 0.1;

/** What waits in futex: every runtime waits so for each of them. */
export const FUTEX_MEANS = 'a lock, a condition or a timed sleep of its runtime';

/** The sampled threads; empty where they could not be looked at. */
export function threadsOf(facts: ProcessFacts | null | undefined): readonly ThreadActivity[] {
  return facts?.threads.kind === 'ok' ? facts.threads.value.threads : [];
}

/**
 * Whether it does nothing but run. On a crowded machine such a thread gets less than a processor, but it was runnable in every
 * sample and never gave the processor up by itself.
 */
export function isBusy({ cpu, running, samples, voluntarySwitches }: ThreadActivity): boolean {
  if (cpu === null) return false;
  const neverRests = samples >= ENOUGH_SAMPLES && running === samples && voluntarySwitches === 0;
  return neverRests || cpu.user + cpu.system >= BUSY;
}

export function isAccepting(thread: ThreadActivity): boolean {
  return mainCall(thread)?.name.startsWith('accept') === true;
}

export function isSleeping(thread: ThreadActivity): boolean {
  return mainCall(thread)?.name.endsWith('nanosleep') === true;
}

export function isEventLoop(thread: ThreadActivity): boolean {
  return mainCall(thread)?.name.startsWith('epoll_') === true;
}

/** Waits for events of any number of descriptors, so it may serve any of them. */
export function isWatching(thread: ThreadActivity): boolean {
  const name = mainCall(thread)?.name;
  return name !== undefined && /^(?:epoll_|p?poll$|p?select|io_uring_)/.test(name);
}

/** The call in which the thread was in most samples. */
export function mainCall(thread: ThreadActivity): CallSeen | null {
  const [call] = thread.calls;
  return call !== undefined && call.samples * 2 > thread.samples ? call : null;
}

/**
 * Whether it stayed in its call. A loop that sleeps in between wakes up more often; who was looked at once may be either.
 */
export function isStuck({ voluntarySwitches, samples }: ThreadActivity): boolean {
  return voluntarySwitches === null || voluntarySwitches <= samples * STUCK;
}

const RECEIVING: ReadonlySet<string> = new Set(['read', 'readv', 'recvfrom', 'recvmsg']);
const SENDING: ReadonlySet<string> = new Set([
  'write',
  'writev',
  'sendto',
  'sendmsg',
  'sendfile',
  'splice',
]);

/** Whether the thread was blocked in a receiving call in most samples. */
export function isReceiving(thread: ThreadActivity): boolean {
  return RECEIVING.has(mainCall(thread)?.name ?? '');
}

export function isSending(thread: ThreadActivity): boolean {
  return SENDING.has(mainCall(thread)?.name ?? '');
}

/** The inode of the socket that the thread's main call waits on; null when it waits on no socket. */
export function socketOf(thread: ThreadActivity): number | null {
  const inode = /^socket:\[(\d+)\]$/.exec(mainCall(thread)?.target ?? '')?.[1];
  return inode === undefined ? null : Number(inode);
}

/**
 * What a blocked thread waits for, as a clause; null for event loops, accept loops and idle threads of a pool.
 * @param isMain whether it is the first thread of its process
 * @param describe says in words what a descriptor's link refers to
 */
export function waitOf(
  thread: ThreadActivity,
  isMain: boolean,
  describe: (target: string) => string = (target) => target,
): string | null {
  const call = mainCall(thread);
  if (call === null) return null;
  const who = `thread ${threadLabel(thread)}`;
  switch (call.name) {
    case 'nanosleep':
    case 'clock_nanosleep':
    case 'pause':
      return `${who} sleeps (${call.name})`;
    case 'wait4':
    case 'waitid':
      return `${who} waits for ${call.childPid === null ? 'a child' : `its child ${call.childPid}`} (${call.name})`;
    case 'flock':
    case 'fcntl':
      return `${who} waits for a file lock (${call.name})`;
    case 'connect':
      return `${who} is connecting on descriptor ${call.fd} (connect)`;
    case 'read':
    case 'readv':
    case 'recvfrom':
    case 'recvmsg':
    case 'write':
    case 'writev':
    case 'sendto':
    case 'sendmsg':
      return `${who} waits in ${call.name} on descriptor ${call.fd}${call.target === null ? '' : ` (${describe(call.target)})`}`;
    case 'futex':
      // Idle threads of a pool wait so too; the first thread does only when it is locked out.
      return isMain ? `${who} waits in futex (${FUTEX_MEANS})` : null;
    default:
      return null;
  }
}

/** `4121 "api"`. */
export function threadLabel(thread: ThreadActivity): string {
  return `${thread.tid} "${thread.name}"`;
}

export function percentBusy({ cpu }: ThreadActivity): string {
  return cpu === null ? '?' : `${Math.round((cpu.user + cpu.system) * 100)} %`;
}
