import type { Observation } from './observation.ts';

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
  readonly descriptors: Observation<DescriptorUse>;
  readonly threads: Observation<readonly ThreadActivity[]>;
  /** Descriptors that the process watches with epoll, over all its epoll instances. */
  readonly watched: Observation<EpollWatch>;
  /** Children that have ended and were not waited for. */
  readonly zombies: readonly number[];
}

export interface DescriptorUse {
  readonly open: number;
  /** RLIMIT_NOFILE, soft; null for unlimited. */
  readonly limit: number | null;
}

export interface EpollWatch {
  /** Number of epoll instances; without one, nothing can be watched. */
  readonly instances: number;
  readonly fds: readonly number[];
}

/** What a thread did while it was sampled. */
export interface ThreadActivity {
  readonly tid: number;
  readonly name: string;
  /** How often /proc/PID/task/TID/syscall was read. */
  readonly samples: number;
  /** Samples in which the thread was on a processor, outside any system call. */
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
  /** The descriptor that it waits on, where its first argument is one. */
  readonly fd: number | null;
  /** What the descriptor refers to: `socket:[8123]`, `/dev/pts/0`; null when unreadable or no descriptor. */
  readonly target: string | null;
  /** The child that it waits for (wait4, waitid with a pid). */
  readonly childPid: number | null;
}
