/**
 * How the names in a filter become the kernel's numbers. They are looked up once, when the filter is read, so that a name
 * that does not exist is an error with a position. A device's index holds in one network namespace only: read the filter
 * again for another.
 */
export interface FilterNames {
  /** The TCP port of a service (services(5)), or null. */
  readonly services?: (name: string) => number | null;
  /** The index of a network device, or null. */
  readonly devices?: (name: string) => number | null;
  /** The id of a cgroup v2 by its path: the inode number of its directory; or null. */
  readonly cgroups?: (path: string) => bigint | null;
}
