/** What a shutdown did, and whom it failed. */
export interface ShutdownReport {
  /** From the call of `shutdown()` to the last closed connection. */
  readonly durationMs: number;
  /** `graceful`: every connection ended by itself; `deadline`, `forced` (a second signal, `force()`): some had to be destroyed. */
  readonly outcome: 'graceful' | 'deadline' | 'forced';
  /** Responses that were handed to the kernel whole after shutdown began. */
  readonly completed: number;
  /** Requests that arrived, whole or in part, on a connection that had been closed for sending, and got no answer. */
  readonly droppedRequests: number;
  /** Requests in flight when the deadline or `force()` came: their responses are cut off. */
  readonly abortedRequests: number;
  /** Connections destroyed at the deadline or by `force()`, upgraded ones among them. */
  readonly forcedConnections: number;
  /** Sockets that spoke another protocol (WebSocket, CONNECT, all of a `net.Server`): closed in time, and destroyed. */
  readonly upgraded: { readonly closed: number; readonly forced: number };
}

/** What is counted on the way. */
export interface ShutdownTally {
  /** Since the server was made. */
  completed: number;
  droppedRequests: number;
  abortedRequests: number;
  forcedConnections: number;
  readonly upgraded: { closed: number; forced: number };
}

export function emptyTally(): ShutdownTally {
  return {
    completed: 0,
    droppedRequests: 0,
    abortedRequests: 0,
    forcedConnections: 0,
    upgraded: { closed: 0, forced: 0 },
  };
}
