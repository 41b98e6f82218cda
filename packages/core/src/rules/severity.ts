import type { Severity } from '../finding/finding.ts';

/** From so many sockets on a fault of one program is more than a nuisance. */
const MANY = 100;

export function severityByCount(sockets: number): Severity {
  return sockets >= MANY ? 'critical' : 'warning';
}
