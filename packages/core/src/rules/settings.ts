import type { Settings } from '../evidence/evidence.ts';

const DEFAULT_FIN_TIMEOUT_S = 60;

/** net.ipv4.tcp_fin_timeout in ms; the kernel's default when it could not be read. */
export function finTimeoutOf(settings: Settings | null): number {
  return numberOf(settings, 'net.ipv4.tcp_fin_timeout', DEFAULT_FIN_TIMEOUT_S) * 1000;
}

/** A sysctl that holds one number. */
export function numberOf(settings: Settings | null, name: string, fallback: number): number {
  const value = Number(settings?.values[name]);
  return Number.isFinite(value) ? value : fallback;
}

/** A column of a sysctl that holds several numbers; null when it could not be read. */
export function columnOf(settings: Settings | null, name: string, column: number): number | null {
  const text = settings?.values[name]?.split(' ')[column];
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}
