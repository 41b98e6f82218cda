import { readFileSync } from 'node:fs';

export interface Services {
  /** The first name of a TCP port in /etc/services. */
  readonly names: ReadonlyMap<number, string>;
  /** The TCP port of each name and alias. */
  readonly ports: ReadonlyMap<string, number>;
}

/** services(5); without the file ports have no names. */
export function readServices(path = '/etc/services'): Services {
  try {
    return parseServices(readFileSync(path, 'utf8'));
  } catch {
    return { names: new Map(), ports: new Map() };
  }
}

export function parseServices(text: string): Services {
  const names = new Map<number, string>();
  const ports = new Map<string, number>();
  for (const [, name, port, aliases] of text.matchAll(
    /^([^\s#]+)[ \t]+(\d+)\/tcp\b[ \t]*([^#\n]*)/gm,
  )) {
    const number = Number(port);
    if (number > 65_535) continue;
    if (!names.has(number)) names.set(number, name);
    for (const each of [name, ...aliases.split(/\s+/)]) {
      if (each !== '' && !ports.has(each)) ports.set(each, number);
    }
  }
  return { names, ports };
}
