/** What was seen, or why it could not be seen. Missing evidence leads to "unknown", never to "healthy". */
export type Observation<T> = { readonly kind: 'ok'; readonly value: T } | Unavailable;

export interface Unavailable {
  readonly kind: 'unavailable';
  /** Why it was not seen, without a full stop: `cannot read /proc/812/fd: permission denied`. */
  readonly reason: string;
  /** What the user can do to see it: `run as root`. */
  readonly remedy: string;
}

export function seen<T>(value: T): Observation<T> {
  return { kind: 'ok', value };
}

export function unavailable(reason: string, remedy: string): Unavailable {
  return { kind: 'unavailable', reason, remedy };
}
