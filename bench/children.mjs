import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BUILT } from './build.mjs';

/** Every process that the bench has started and that has not ended. Those in C end with their parent, too. */
const running = new Set();

export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  // It may end before it has read.
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let complaint = '';
  child.stderr.on('data', (bytes) => (complaint += bytes));
  const closed = once(child, 'close');
  return {
    pid: child.pid,
    say: (line) => child.stdin.write(`${line}\n`),
    /** The next line of its output. */
    async hear() {
      const { value, done } = await lines.next();
      if (!done) return value;
      await closed;
      throw new Error(`${command} ${args.join(' ')} ended early. ${complaint.trim()}`);
    },
    async end() {
      child.kill('SIGKILL');
      await closed;
    },
    complaint: () => complaint.trim(),
  };
}

/**
 * Sockets in a namespace of their own, until ended.
 * @param parts `MODE:PAIRS`, see native/load.c; none for an empty namespace
 */
export async function startLoad(parts) {
  const load = start(BUILT.load, parts);
  const made = Number((await load.hear()).replace(/^ready /, ''));
  return Object.assign(load, { netns: `/proc/${load.pid}/ns/net`, made });
}

/** A program of the `MILLISECONDS ROWS` kind in a namespace, until ended. */
export function startLoop(netns, command) {
  const child = start(BUILT.measure, [netns, '--stay', ...command]);
  return Object.assign(child, {
    async ask(line) {
      child.say(line);
      const [ms, rows] = (await child.hear()).split(' ').map(Number);
      return { ms, rows };
    },
  });
}

/** One run of a command from its start to its end. */
export async function measure(netns, { command, withoutBpf = false, statuses = [0] }) {
  const flags = withoutBpf ? ['--without-bpf'] : [];
  const child = start(BUILT.measure, [netns, ...flags, ...command]);
  const [ms, userMs, systemMs, peakKib, lines, status] = (await child.hear())
    .split(' ')
    .map(Number);
  await child.end();
  if (!statuses.includes(status)) {
    throw new Error(`${command.join(' ')} ended with status ${status}. ${child.complaint()}`);
  }
  return { ms, userMs, systemMs, peakKib, lines };
}
