import { NetError } from '../net-error.ts';

/** Whether an error is of the kernel, the resolver or OpenSSL, not of a wrong argument. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || error instanceof NetError) return false;
  if (error instanceof AggregateError) return true;
  const hasCode = 'code' in error && typeof error.code === 'string';
  return hasCode && !(error instanceof TypeError || error instanceof RangeError);
}
