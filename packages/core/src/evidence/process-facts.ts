import type { Observation, Unavailable } from './observation.ts';

/** What the program is written in, as far as its executable and libraries tell. */
export type Runtime = 'node' | 'python' | 'go' | 'java' | 'other';

/** A process that holds sockets, as procfs shows it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parentPid: number;
  /** /proc/PID/comm. */
  readonly command: string;
  /** Path of the executable, as /proc/PID/exe says it. */
  readonly executable: Observation<string>;
  readonly uid: number;
  readonly runtime: Runtime;
  readonly container: string | null;
  /** Inode number of its network namespace; absent where it may not be read. */
  readonly netns?: number;
  readonly descriptors: Observation<DescriptorUse>;
  readonly threads: Observation<ThreadSight>;
  /** Descriptors that the process watches with epoll, over all its epoll instances. */
  readonly watched: Observation<EpollWatch>;
  /** Children that have ended and were not waited for. */
  readonly zombies: readonly number[];
  /** Those of them that had ended at the first look already; absent when there was only one look. */
  readonly zombiesBefore?: readonly number[];
}

export interface DescriptorUse {
  readonly open: number;
  /** How many were open at the first look; absent when there was only one. */
  readonly openBefore?: number;
  /** RLIMIT_NOFILE, soft; null for unlimited. */
  readonly limit: number | null;
}

/**
 * What the process asked epoll to tell it. Descriptors given to poll, select or io_uring do not show, so a descriptor that is
 * missing here is unwatched only if no thread waits in one of those.
 */
export interface EpollWatch {
  /** Number of epoll instances; without one, nothing is watched by epoll. */
  readonly instances: number;
  /** Descriptors watched for input (EPOLLIN, EPOLLRDNORM or EPOLLRDHUP): their end of stream is reported. */
  readonly fds: readonly number[];
  /** Descriptors registered without interest in input: reading is paused, or a one-shot registration was not renewed. */
  readonly muted: readonly number[];
  /** False when the process has more descriptors than were looked through: an instance may have been missed. */
  readonly complete: boolean;
}

/** The sampled threads of a process. */
export interface ThreadSight {
  readonly threads: readonly ThreadActivity[];
  /** Threads beyond the cap, which were not looked at. */
  readonly omitted: number;
  /** Why the system calls are not known (all `calls` are empty then); null when they are. */
  readonly callsHidden: Unavailable | null;
}

/** What a thread did while it was sampled. */
export interface ThreadActivity {
  readonly tid: number;
  readonly name: string;
  /** State letter of proc(5) at the last sample: `R`, `S`, `D` (uninterruptible), `T` (stopped), `t` (traced), `Z`, … */
  readonly state: string;
  /** How often the thread was looked at. */
  readonly samples: number;
  /** Samples in which it was runnable: on a processor or waiting for one, in user code or in a call that does not block. */
  readonly running: number;
  /** CPU over the sampled time, as a share of one processor; null when it was looked at only once. */
  readonly cpu: { readonly user: number; readonly system: number } | null;
  /** Voluntary context switches while it was sampled; null when it was looked at only once. */
  readonly voluntarySwitches: number | null;
  /** The system calls it was seen in, most frequent first. */
  readonly calls: readonly CallSeen[];
  /** /proc/PID/task/TID/wchan at the last sample; empty when the kernel hides it or the thread runs. */
  readonly wchan: string;
}

export interface CallSeen {
  /** Kernel name: `epoll_wait`, `recvfrom`, … */
  readonly name: string;
  readonly samples: number;
  /** The descriptor that it waits on, where an argument says it; of poll only if it is given a single one. */
  readonly fd: number | null;
  /** What the descriptor refers to: `socket:[8123]`, `/dev/pts/0`; null when unreadable or no descriptor. */
  readonly target: string | null;
  /** The child that it waits for (wait4, waitid with a pid). */
  readonly childPid: number | null;
}
