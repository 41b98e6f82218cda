/**
 * TCP sockets as the kernel reports them, one row a socket, one typed array a field. 500,000 rows as objects need 400 MB,
 * as columns 30 MB. The words are those of `struct inet_diag_msg` (include/uapi/linux/inet_diag.h, Linux 6.18), in the
 * kernel's own byte order; read them through the functions in `row.ts`.
 */
export interface SocketTable {
  readonly count: number;
  /** `idiag_family | idiag_state << 8 | idiag_timer << 16 | idiag_retrans << 24`. */
  readonly head: Uint32Array;
  /** `idiag_sport | idiag_dport << 16`, each in network byte order. */
  readonly ports: Uint32Array;
  /** IPv4: `idiag_src[0]` in network byte order. IPv6: the socket's index in `addresses6`. */
  readonly source: Uint32Array;
  /** IPv4: `idiag_dst[0]` in network byte order. IPv6: unused. */
  readonly destination: Uint32Array;
  /** `idiag_if`: the interface that the socket is bound to, 0 for none. */
  readonly device: Uint32Array;
  /** `idiag_cookie[0]` and `[1]`: the kernel's name of the socket, never reused while the host is up. */
  readonly cookieLow: Uint32Array;
  readonly cookieHigh: Uint32Array;
  /** `idiag_expires`, ms until the timer in `head` fires. */
  readonly expires: Uint32Array;
  /** `idiag_rqueue`, bytes; of a LISTEN socket the connections that wait for accept. */
  readonly recvQ: Uint32Array;
  /** `idiag_wqueue`, bytes; of a LISTEN socket the accept queue's limit. */
  readonly sendQ: Uint32Array;
  readonly uid: Uint32Array;
  /** `idiag_inode`, 0 when no descriptor refers to the socket. */
  readonly inode: Uint32Array;
  /** Inode number of the network namespace that the row was read in. */
  readonly netns: Uint32Array;
  /** Eight words an IPv6 socket: `idiag_src[4]`, `idiag_dst[4]`, in network byte order. */
  readonly addresses6: Uint32Array;
  /** Parts of `struct tcp_info`, row by row, where they were asked for. */
  readonly info: TcpInfoColumns | null;
}

/** Parts of `struct tcp_info` (include/uapi/linux/tcp.h), aligned with the rows of the table. */
export interface TcpInfoColumns {
  /** 1 where the kernel gave tcp_info for the row; TIME-WAIT and SYN-RECEIVED rows have none. */
  readonly known: Uint8Array;
  /** `tcpi_last_data_sent`, ms ago. */
  readonly lastDataSent: Uint32Array;
  /** `tcpi_last_data_recv`, ms ago. */
  readonly lastDataRecv: Uint32Array;
  /** `tcpi_last_ack_recv`, ms ago. */
  readonly lastAckRecv: Uint32Array;
  /** `tcpi_data_segs_in`: segments with data that have come; `UNKNOWN_SEGMENTS` before Linux 4.6. */
  readonly dataSegsIn: Uint32Array;
}

export const UNKNOWN_SEGMENTS = 0xffffffff;

/** The columns of a table that hold one word a row. */
export const ROW_COLUMNS = [
  'head',
  'ports',
  'source',
  'destination',
  'device',
  'cookieLow',
  'cookieHigh',
  'expires',
  'recvQ',
  'sendQ',
  'uid',
  'inode',
  'netns',
] as const satisfies readonly (keyof SocketTable)[];
