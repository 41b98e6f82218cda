import type { RecordedStack } from '../locate/recorded/slot.ts';

/**
 * A socket that the command did not close. `close-wait`: its peer had closed, and it stayed open for the grace or longer.
 * `open-at-exit`: the program ended by itself with it open, so that the kernel closed it.
 */
export interface Leak {
  readonly kind: 'close-wait' | 'open-at-exit';
  readonly pid: number;
  readonly command: string | null;
  readonly fd: number;
  readonly inode: number;
  readonly peer: { readonly address: string; readonly port: number };
  /** How long it was seen in CLOSE-WAIT, at least; null of `open-at-exit`. */
  readonly ms: number | null;
  /** Null where nobody recorded it. */
  readonly stack: RecordedStack | null;
}
