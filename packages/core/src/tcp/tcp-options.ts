/** Where stacks differ; {@link LINUX} and {@link RFC_9293} are the two sets that are named. Times in milliseconds. */
export interface TcpOptions {
  /** Bytes of data in a segment at most. */
  readonly mss: number;
  /** Bytes of received data that wait for the program at most; the window is what is left. */
  readonly receiveBuffer: number;
  /** Segments of the first flight (RFC 6928). */
  readonly initialWindow: number;
  /** RFC 7323 time stamps, which reject old duplicates (PAWS). */
  readonly timestamps: boolean;
  /** How long TIME-WAIT lasts: 2 MSL. 0 leaves it out, which is wrong, and shows why it exists. */
  readonly timeWait: number;
  /** How long a FIN-WAIT-2 that no program holds lasts, or null: for ever. */
  readonly finWait2Timeout: number | null;
  /** close() with unread data sends a RST at once instead of a FIN (RFC 2525 §2.17, RFC 1122 §4.2.2.13). */
  readonly resetOnUnreadClose: boolean;
  /** Data that arrives after close() is answered with a RST (RFC 1122 §4.2.2.13). */
  readonly resetOnDataAfterClose: boolean;
  /** A RST ends TIME-WAIT (the assassination of RFC 1337). */
  readonly resetEndsTimeWait: boolean;
  /** A SYN or an inexact RST on a connection is answered by an ACK and not believed (RFC 5961). */
  readonly challengeAck: boolean;
  /** An ACK for a segment outside of the window is sent at most so often: two ends must not answer each other for ever. */
  readonly invalidAckInterval: number;
  /** RFC 6298. */
  readonly initialRto: number;
  readonly minRto: number;
  readonly maxRto: number;
  /** How often a SYN is sent again, with a time-out that doubles each time. */
  readonly synRetries: number;
  /** How many of a SYN's first repetitions come at the initial time-out, before it doubles; on top of `synRetries`. */
  readonly synLinearTimeouts: number;
  /** How often a SYN ACK is sent again. */
  readonly synAckRetries: number;
  /** How often anything else is sent again before the connection is given up. */
  readonly retries: number;
  /** The same when no program holds the connection any more. */
  readonly orphanRetries: number;
  /** RFC 5482: the longest time that sent data may stay without acknowledgement, or null: as the retries give. */
  readonly userTimeout: number | null;
}

/**
 * Linux 6.18: TCP_TIMEWAIT_LEN and TCP_TIMEOUT_INIT in include/net/tcp.h, tcp_fin_timeout, tcp_retries2,
 * tcp_orphan_retries (0 means 8), tcp_invalid_ratelimit, tcp_syn_retries, tcp_syn_linear_timeouts and tcp_synack_retries in
 * Documentation/networking/ip-sysctl.rst; tcp_close() for the RST.
 */
export const LINUX: TcpOptions = {
  mss: 1460,
  receiveBuffer: 65_535,
  initialWindow: 10,
  timestamps: true,
  timeWait: 60_000,
  finWait2Timeout: 60_000,
  resetOnUnreadClose: true,
  resetOnDataAfterClose: true,
  resetEndsTimeWait: true,
  challengeAck: true,
  invalidAckInterval: 500,
  initialRto: 1000,
  minRto: 200,
  maxRto: 120_000,
  synRetries: 6,
  synLinearTimeouts: 4,
  synAckRetries: 5,
  retries: 15,
  orphanRetries: 8,
  userTimeout: null,
};

/** The letter of RFC 9293: MSL of two minutes, no time-out of FIN-WAIT-2, no RST for unread data. */
export const RFC_9293: TcpOptions = {
  ...LINUX,
  timestamps: false,
  timeWait: 240_000,
  finWait2Timeout: null,
  resetOnUnreadClose: false,
  resetOnDataAfterClose: false,
  challengeAck: false,
  minRto: 1000,
  synLinearTimeouts: 0,
  synAckRetries: 6,
  orphanRetries: 15,
};
