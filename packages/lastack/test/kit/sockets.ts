import { readdirSync, readlinkSync } from 'node:fs';
import { stateOfKernel, type TcpState } from '@lastack/core';
import type { Namespace } from './netns.ts';

/**
 * A TCP socket as /proc/net/tcp{,6} shows it. The tests judge lastack by this and by `ss`, and lastack reads neither, so
 * that no mistake is made twice.
 */
export interface Socket {
  readonly family: 4 | 6;
  readonly state: TcpState;
  readonly localPort: number;
  readonly remotePort: number;
  /** Of a LISTEN socket the connections that wait for accept. */
  readonly recvQ: number;
  readonly sendQ: number;
  /** 0 when no descriptor refers to the socket. */
  readonly inode: number;
}

export function readSockets(ns: Namespace): Socket[] {
  return [...parseSockets(ns.procNet('tcp'), 4), ...parseSockets(readTcp6(ns), 6)];
}

/** Columns as in Documentation/networking/proc_net_tcp.rst. */
export function parseSockets(text: string, family: 4 | 6): Socket[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [, local, remote, state, queues, , , , , inode] = line.trim().split(/\s+/);
      const [sendQ, recvQ] = queues.split(':');
      return {
        family,
        state: stateOfKernel(Number.parseInt(state, 16)),
        localPort: portOf(local),
        remotePort: portOf(remote),
        recvQ: Number.parseInt(recvQ, 16),
        sendQ: Number.parseInt(sendQ, 16),
        inode: Number(inode),
      };
    });
}

/** A counter of /proc/net/{snmp,netstat}, by nstat(8)'s name: `TcpExtListenOverflows`. */
export function readCounter(ns: Namespace, name: string): number {
  const lines = `${ns.procNet('snmp')}${ns.procNet('netstat')}`.split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group, ...names] = lines[i].split(' ');
    const prefix = group.slice(0, -1);
    const column = names.findIndex((each) => `${prefix}${each}` === name);
    if (column >= 0) return Number(lines[i + 1].split(' ')[column + 1]);
  }
  throw new Error(`no counter ${name}`);
}

/** The processes among `pids` that hold a descriptor of one of the sockets. */
export function holdersOf(sockets: readonly Socket[], pids: readonly number[]): number[] {
  const wanted = new Set(sockets.map((socket) => socket.inode));
  return pids.filter((pid) => socketsHeldBy(pid).some((inode) => wanted.has(inode)));
}

/** Inodes of the sockets that a process holds, its standard streams (the kit's own pipes) left out. */
export function socketsHeldBy(pid: number): number[] {
  return descriptorsOf(pid).flatMap((fd) => {
    if (fd <= 2) return [];
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode === undefined ? [] : [Number(inode)];
    } catch {
      return [];
    }
  });
}

export function descriptorsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(Number);
  } catch {
    return [];
  }
}

/** Sockets that a process holds and that no table of its namespace lists any more. */
export function deadSocketsOf(ns: Namespace, pid: number): number[] {
  const listed = new Set(readSockets(ns).map((socket) => socket.inode));
  return socketsHeldBy(pid).filter((inode) => !listed.has(inode));
}

function readTcp6(ns: Namespace): string {
  try {
    return ns.procNet('tcp6');
  } catch {
    // A kernel without IPv6 has no such file.
    return '';
  }
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}
