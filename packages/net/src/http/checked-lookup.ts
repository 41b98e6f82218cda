import { isIP, type LookupFunction } from 'node:net';

import { LookupError, NetError } from '../net-error.ts';

/**
 * A lookup function of the user's whose failures all reach the socket as a LookupError. Where it throws, or gives an empty
 * list, Node throws out of connect() and leaves the socket's handle open.
 * @throws TypeError when it is no function
 */
export function checkedLookup(lookup: LookupFunction): LookupFunction {
  if (typeof lookup !== 'function') throw new TypeError('lookup must be a function');
  return (host, options, callback) => {
    let isAnswered = false;
    const fail = (error: Error): void => callback(lookupError(host, error), '', 0);
    const answer: typeof callback = (error, found, family) => {
      if (isAnswered) return;
      isAnswered = true;
      if (error) fail(error);
      else if (hasAddress(found)) callback(null, found, family);
      else fail(new TypeError('lookup gave no address'));
    };
    try {
      lookup(host, options, answer);
    } catch (error) {
      // What the socket's own callback throws is not the lookup's.
      if (isAnswered) throw error;
      isAnswered = true;
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

/** Node takes a list or one address, as it has asked; what is no address in a list it would stumble on. */
function hasAddress(found: unknown): boolean {
  if (!Array.isArray(found)) return typeof found === 'string' && isIP(found) !== 0;
  const list: readonly ({ readonly address?: unknown } | null)[] = found;
  return list.length > 0 && list.every((entry) => isIP(String(entry?.address)) !== 0);
}

function lookupError(host: string, cause: Error): NetError {
  if (cause instanceof NetError) return cause;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'ENOTFOUND';
  const words = code === 'ENOTFOUND' ? 'has no address' : 'could not be resolved';
  return new LookupError(code, `${host} ${words}: ${cause.message}`, { cause, safeToRetry: true });
}
