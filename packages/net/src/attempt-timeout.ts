/**
 * How long one address may take when a name has several, ms: two get their turn within the limit on connecting, and a
 * slow link (Node's 250 ms are less than its round trip) still reaches the first.
 *
 * Not above 1 s, when the kernel sends its second SYN: a host whose IPv6 is broken should not wait longer for IPv4.
 */
export function attemptTimeoutMs(connectLimitMs: number): number | undefined {
  return connectLimitMs === Infinity
    ? undefined
    : Math.max(10, Math.min(1000, Math.floor(connectLimitMs / 2)));
}
