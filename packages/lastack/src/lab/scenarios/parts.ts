import type { LabProgram } from '../scenario.ts';

/** The program that listens. */
export function server(file: string, ...flags: readonly string[]): LabProgram {
  return { role: 'server', file, args: ['PORT', ...flags] };
}

/** The general client: so many connections, each of which goes through the steps. */
export function clients(count: number, ...steps: readonly string[]): LabProgram {
  return {
    role: 'client',
    file: 'client.mjs',
    args: ['127.0.0.1', 'PORT', String(count), ...steps],
  };
}

/** A client of its own. */
export function client(file: string, ...flags: readonly string[]): LabProgram {
  return { role: 'client', file, args: ['PORT', ...flags] };
}
