// For each line `python PID` or `node PID FD,FD,…` on stdin looks for the lines of that process, and prints `MILLISECONDS LINES`.
import { createInterface } from 'node:readline';
import { locateNode } from '../../packages/lastack/src/locate/node/locate-node.ts';
import { locatePython } from '../../packages/lastack/src/locate/python/locate-python.ts';

const LOCATORS = { python: locatePython, node: locateNode };

async function run() {
  for await (const line of createInterface({ input: process.stdin })) {
    const [runtime, pid, fds = ''] = line.split(' ');
    const target = { pid: Number(pid), fds: fds.split(',').filter(Boolean).map(Number) };
    const begin = performance.now();
    const located = await LOCATORS[runtime](target);
    const ms = performance.now() - begin;
    if (located.kind !== 'ok') throw new Error(`${located.reason} (${located.remedy})`);
    process.stdout.write(`${ms.toFixed(3)} ${located.value.locations.length}\n`);
  }
}

void run();
