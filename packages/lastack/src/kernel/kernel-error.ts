import { getSystemErrorName } from 'node:util';

/** A kernel call that failed: which one, on what, and errno. */
export class KernelError extends Error {
  readonly operation: string;
  readonly errno: number;
  /** `EPERM`, `ENOENT`, … */
  readonly code: string;

  constructor(operation: string, errno: number) {
    const code = errorName(errno);
    super(`${operation}: ${code}`);
    this.name = 'KernelError';
    this.operation = operation;
    this.errno = errno;
    this.code = code;
  }
}

function errorName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}
