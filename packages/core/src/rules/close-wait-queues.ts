import type { CloseWaitCause } from '../finding/finding.ts';

/** What is known of the sockets of one program that are in CLOSE-WAIT. */
export interface CloseWaitQueues {
  /** Recv-Q is 0: nothing is unread, the FIN included. */
  readonly endRead: number;
  /** Recv-Q is 1: only the FIN is unread. */
  readonly finUnread: number;
  /** Recv-Q is more: data and the FIN are unread. */
  readonly dataUnread: number;
  /** Of how many something was read for certain: their handlers have begun. */
  readonly begun: number;
  readonly fds: readonly number[];
  /** `socket:[inode]` of the connections of the same service that are well: waiting for one of them is a handler's job. */
  readonly healthy: ReadonlySet<string>;
  /** How many connections of the same service there are, those that are well and those that have only just been left included. */
  readonly connections: number;
  /** Most of the sockets are of connections that the program has made itself. */
  readonly isClient: boolean;
  /** How the program is known to have gone on since its peers closed, as a clause; null when it is not. */
  readonly wentOn: string | null;
  /** What a descriptor's link refers to, in words: `socket:[8123]` → `the connection to 10.0.0.5:5432`. */
  readonly describeTarget: (target: string) => string;
}

export interface CauseFound {
  readonly cause: CloseWaitCause;
  readonly why: string;
}

export function socketsOf({ endRead, finUnread, dataUnread }: CloseWaitQueues): number {
  return endRead + finUnread + dataUnread;
}
