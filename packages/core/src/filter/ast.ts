/** A filter as it was written: which states, and what must hold of a socket. */
export interface Filter {
  /** The kernel's mask of the states that the text begins with; null when it begins with none. */
  readonly states: number | null;
  /** null when every socket in these states matches. */
  readonly expression: Expression | null;
}

/** `position` is where the node starts in the text, in UTF-16 code units. */
export type Expression = AllOf | AnyOf | Not | Term;

export interface AllOf {
  readonly kind: 'and';
  readonly operands: readonly Expression[];
  readonly position: number;
}

export interface AnyOf {
  readonly kind: 'or';
  readonly operands: readonly Expression[];
  readonly position: number;
}

export interface Not {
  readonly kind: 'not';
  readonly operand: Expression;
  readonly position: number;
}

/** A condition on one socket. */
export type Term =
  | StateTerm
  | HostTerm
  | PortTerm
  | DeviceTerm
  | MarkTerm
  | CgroupTerm
  | AutoboundTerm
  | AgeTerm
  | NumberTerm
  | PidTerm
  | CommandTerm;

export type Ordering = '<' | '<=' | '>' | '>=';
export type Comparison = '=' | '!=' | Ordering;
export type Side = 'local' | 'remote';

/** `state` among the conditions: the socket is in one of the kernel's states in the mask. `exclude X` is `not state X`. */
export interface StateTerm {
  readonly kind: 'state';
  readonly mask: number;
  readonly position: number;
}

/** `src`, `dst`, and `sport`, `dport` compared for equality: `struct inet_diag_hostcond` of the kernel. */
export interface HostTerm {
  readonly kind: 'host';
  readonly side: Side;
  /** From an `inet:` or `inet6:` prefix. `inet` does not match IPv4-mapped addresses, which are of IPv6 sockets. */
  readonly family: 'inet' | 'inet6' | null;
  /** 4 or 16 bytes in network order. An IPv4 address matches IPv4-mapped ones too. */
  readonly address: Uint8Array | null;
  /** How many leading bits of `address` are compared. */
  readonly prefix: number;
  readonly port: number | null;
  readonly position: number;
}

/** `sport`, `dport` with an order. */
export interface PortTerm {
  readonly kind: 'port';
  readonly side: Side;
  readonly operator: Ordering;
  readonly port: number;
  readonly position: number;
}

/** `dev`: the interface that the socket is bound to, not the one that its packets take. */
export interface DeviceTerm {
  readonly kind: 'device';
  readonly ifindex: number;
  readonly position: number;
}

/** `fwmark`: (mark of the socket & mask) == mark. The kernel wants CAP_NET_ADMIN for it. */
export interface MarkTerm {
  readonly kind: 'mark';
  readonly mark: number;
  readonly mask: number;
  readonly position: number;
}

/** `cgroup`: the id of a cgroup v2, which is the inode number of its directory. */
export interface CgroupTerm {
  readonly kind: 'cgroup';
  readonly id: bigint;
  readonly position: number;
}

/** `autobound`: the kernel chose the local port. */
export interface AutoboundTerm {
  readonly kind: 'autobound';
  readonly position: number;
}

/** `age`: ms in the present state. */
export interface AgeTerm {
  readonly kind: 'age';
  readonly operator: Ordering;
  readonly ms: number;
  readonly position: number;
}

export type NumberField = 'uid' | 'recvq' | 'sendq' | 'netns';

export interface NumberTerm {
  readonly kind: 'number';
  readonly field: NumberField;
  readonly operator: Comparison;
  readonly value: number;
  readonly position: number;
}

/** `pid`: some holder of the socket compares so. `pid != N` is `not pid = N`: none does. */
export interface PidTerm {
  readonly kind: 'pid';
  readonly operator: '=' | Ordering;
  readonly pid: number;
  readonly position: number;
}

/** `comm`: some holder's command is (`=`) or contains (`~`) the text. */
export interface CommandTerm {
  readonly kind: 'command';
  readonly operator: '=' | '~';
  readonly text: string;
  readonly position: number;
}
