import type { ObservedTransition } from '@lastack/core';

export const TRANSITION_SCHEMA = 'lastack.transition/1';

/**
 * A transition as one line of JSON: docs/transition.schema.json.
 *
 * @param hasCookies whether the source's numbers are cookies, which name a socket in other tools too
 */
export function transitionJson(transition: ObservedTransition, hasCookies: boolean): string {
  const { atMs, socket, netns, local, remote, from, to, fromMs, cause } = transition;
  const { process, holder, closedFirst, acked, received, isAllowed } = transition;
  return JSON.stringify({
    schema: TRANSITION_SCHEMA,
    at: new Date(atMs).toISOString(),
    cookie: hasCookies ? socket : null,
    netns,
    local,
    remote,
    from,
    to,
    fromMs: fromMs === null ? null : Math.round(fromMs * 1000) / 1000,
    pid: process?.pid ?? null,
    command: process?.command ?? null,
    cause,
    holder,
    closedFirst,
    bytes: acked === null || received === null ? null : { acked, received },
    allowed: isAllowed,
  });
}
