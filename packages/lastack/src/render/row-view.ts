import type { AgeContext, OwnerIndex } from '@lastack/core';

/** What printing a socket needs besides its row. */
export interface RowView {
  /** Null leaves the owners out. */
  readonly owners: OwnerIndex | null;
  readonly age: AgeContext;
  /** The name of a port, or null to print its number. */
  readonly portName: (port: number) => string | null;
  readonly deviceName: (index: number, netns: number) => string | null;
  /** Null when only one network namespace was read. */
  readonly netnsName: ((inode: number) => string) | null;
}
