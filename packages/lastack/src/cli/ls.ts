import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { readSockets } from '../gather/sockets.ts';
import { readServices } from '../kernel/services.ts';
import { ByteWriter } from '../render/byte-writer.ts';
import { SocketRows } from '../render/socket-rows.ts';
import { writeAll } from './output.ts';

interface LsOptions {
  readonly numeric?: boolean;
  readonly owners: boolean;
  readonly header: boolean;
}

export function registerLs(program: Command): void {
  program
    .command('ls')
    .description("list TCP sockets; FILTER is ss's filter language and more")
    .argument('[filter...]')
    .option('-n, --numeric', 'print port numbers, not service names')
    .option('--no-owners', 'do not look up which processes hold the sockets')
    .option('-H, --no-header', 'print no header line')
    .action((filter: readonly string[], options: LsOptions) => ls(filter, options));
}

function ls(_filter: readonly string[], options: LsOptions): void {
  const sockets = readSockets({ states: 0xfff });
  if (sockets.kind === 'unavailable') throw new Error(`${sockets.reason}. ${sockets.remedy}`);
  const table = sockets.value;
  const services = options.numeric === true ? null : readServices().names;
  const [low, high] = ephemeralPorts();
  const writer = new ByteWriter((bytes) => writeAll(1, bytes));
  const rows = Uint32Array.from({ length: table.count }, (_, row) => row);
  const lines = new SocketRows(
    table,
    rows,
    {
      owners: null,
      age: { finTimeoutMs: 60_000 },
      portName: (port) =>
        services === null || (port >= low && port <= high) ? null : (services.get(port) ?? null),
      deviceName: () => null,
      netnsName: null,
    },
    writer,
  );
  if (options.header) lines.header();
  for (const row of rows) lines.row(row);
  writer.flush();
}

function ephemeralPorts(): readonly [low: number, high: number] {
  const [low, high] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1')
    .trim()
    .split(/\s+/);
  return [Number(low), Number(high)];
}
