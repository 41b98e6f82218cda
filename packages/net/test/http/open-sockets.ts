import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** Sockets towards this port that some process still holds, by the kernel's table of this network namespace. */
export async function socketsTowards(port: number): Promise<string[]> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/self/net/${table}`, 'utf8').catch(() => '')),
  );
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .filter((row) => {
      const [, , remote, , , , , , , inode] = row.trim().split(/\s+/);
      return remote?.endsWith(`:${hexPort}`) && inode !== '0';
    });
}

/** Waits until the kernel has this many of them. */
export async function untilSocketsTowards(port: number, count: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const sockets = await socketsTowards(port);
    if (sockets.length === count) return;
    if (performance.now() > deadline) {
      throw new Error(`waited 20 s for ${count} sockets towards ${port}:\n${sockets.join('\n')}`);
    }
    await pause(5);
  }
}
