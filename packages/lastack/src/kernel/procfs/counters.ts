import { seen, unavailable, type Observation } from '@lastack/core';
import { malformed, readProcText } from './read-proc.ts';

type Counters = Readonly<Record<string, number>>;

/**
 * Parses /proc/net/snmp or /proc/net/netstat: pairs of lines, names above values, each led by the protocol
 * (net/ipv4/proc.c). The names are those of nstat(8): protocol and counter joined, `TcpExtListenOverflows`. Values above 2^53
 * lose their low bits; `TcpMaxConn` is −1 for "no limit".
 */
export function parseSnmp(text: string): Observation<Counters> {
  const counters: Record<string, number> = {};
  const lines = text.split('\n').filter((line) => line !== '');
  for (let i = 0; i < lines.length; i += 2) {
    const [protocol, ...names] = lines[i].split(' ');
    const [same, ...values] = (lines[i + 1] ?? '').split(' ');
    const isPair = same === protocol && names.length === values.length;
    if (!isPair || !/^[A-Z]\w*:$/.test(protocol)) return malformed('snmp', lines[i]);
    for (const [column, name] of names.entries()) {
      if (!/^\w+$/.test(name) || !isInteger(values[column])) return malformed('snmp', lines[i + 1]);
      counters[protocol.slice(0, -1) + name] = Number(values[column]);
    }
  }
  return seen(counters);
}

/**
 * Parses /proc/net/sockstat or sockstat6: `TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 217` (net/ipv4/proc.c,
 * sockstat_seq_show()) becomes `SockstatTcpInuse`, `SockstatTcpOrphan`, … Memory is in pages; `SockstatTcpMem`,
 * `SockstatTcpAlloc` and `SockstatTcpOrphan` count all network namespaces together.
 */
export function parseSockstat(text: string): Observation<Counters> {
  const counters: Record<string, number> = {};
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [protocol, ...pairs] = line.split(' ');
    if (!/^\w+:$/.test(protocol) || pairs.length % 2 !== 0) return malformed('sockstat', line);
    for (let i = 0; i < pairs.length; i += 2) {
      const [name, value] = [pairs[i], pairs[i + 1]];
      if (!/^[a-z]\w*$/.test(name) || !isInteger(value)) return malformed('sockstat', line);
      counters[`Sockstat${capitalize(protocol.slice(0, -1))}${capitalize(name)}`] = Number(value);
    }
  }
  return seen(counters);
}

/**
 * Reads the counters of a network namespace. The files of IPv6 may be absent.
 * @param folder `/proc/net`, or `/proc/PID/net` for the namespace of a process
 */
export function readCounters(folder: string): Observation<Counters> {
  const counters: Record<string, number> = {};
  for (const { name, parse, required } of FILES) {
    const text = readProcText(`${folder}/${name}`);
    if (text.kind === 'unavailable') return text;
    if (text.kind === 'gone') {
      if (required) return unavailable(`there is no ${folder}/${name}`, 'run lastack again');
      continue;
    }
    const parsed = parse(text.value);
    if (parsed.kind !== 'ok') return parsed;
    Object.assign(counters, parsed.value);
  }
  return seen(counters);
}

const FILES = [
  { name: 'snmp', parse: parseSnmp, required: true },
  { name: 'netstat', parse: parseSnmp, required: true },
  { name: 'sockstat', parse: parseSockstat, required: true },
  { name: 'sockstat6', parse: parseSockstat, required: false },
] as const;

/** `TCP` → `Tcp`, `inuse` → `Inuse`. */
function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}

function isInteger(text: string): boolean {
  return /^-?\d{1,20}$/.test(text);
}
