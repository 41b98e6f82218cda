import type { Settings } from '../evidence/evidence.ts';
import { numberOf } from './settings.ts';

/** TCP_RTO_MIN and TCP_RTO_MAX (include/net/tcp.h); a route, or from 6.15 on a socket, may have others. */
const RTO_MIN_MS = 200;
const RTO_MAX_MS = 120_000;
const DEFAULT_RETRIES2 = 15;
/** tcp_orphan_retries = 0 means this (net/ipv4/tcp_timer.c, tcp_orphan_retries()). */
const DEFAULT_ORPHAN_RETRIES = 8;

/** How long the kernel repeats what nobody acknowledges. */
export interface GivingUp {
  readonly setting: 'tcp_retries2' | 'tcp_orphan_retries';
  readonly value: number;
  /** From the first transmission on, for the shortest RTO. */
  readonly afterMs: number;
}

/** On a connection that a program still holds. */
export function heldGivesUp(settings: Settings | null): GivingUp {
  const value = numberOf(settings, 'net.ipv4.tcp_retries2', DEFAULT_RETRIES2);
  return { setting: 'tcp_retries2', value, afterMs: doubledFor(value) };
}

/** On one that its program has closed. */
export function orphanGivesUp(settings: Settings | null): GivingUp {
  const value = numberOf(settings, 'net.ipv4.tcp_orphan_retries', 0);
  const retries = value === 0 ? DEFAULT_ORPHAN_RETRIES : value;
  return { setting: 'tcp_orphan_retries', value, afterMs: doubledFor(retries) };
}

/** `… after about 925 s (tcp_retries2 = 15)` */
export function givingUpClause({ setting, value, afterMs }: GivingUp): string {
  return `about ${Math.round(afterMs / 1000)} s (${setting} = ${value})`;
}

/** The least time in which the kernel can have repeated so often. */
export function leastElapsedMs(retransmits: number): number {
  return retransmits === 0 ? 0 : doubledFor(retransmits - 1);
}

/** The sum of the time-outs before and between `retries` repetitions, and after the last: tcp_model_timeout(). */
function doubledFor(retries: number): number {
  let ms = 0;
  for (let sent = 0; sent <= retries; sent++) ms += Math.min(RTO_MAX_MS, RTO_MIN_MS * 2 ** sent);
  return ms;
}
