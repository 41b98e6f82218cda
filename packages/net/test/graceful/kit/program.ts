import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';

/** What the programs tell. */
export interface Message {
  readonly port?: number;
  readonly ports?: Record<string, number>;
  readonly kind?: string;
  readonly report?: unknown;
}

/** A program of ../programs under the built package, as it is in use. */
export class Program {
  readonly messages: Message[] = [];
  readonly exit: Promise<unknown[]>;
  readonly #child: ChildProcess;

  constructor(name: string, env: NodeJS.ProcessEnv = {}) {
    const file = fileURLToPath(new URL(`../programs/${name}`, import.meta.url));
    // Without the conditions that vitest gives its workers: they make require() find ES modules.
    this.#child = fork(file, { execArgv: [], env: { ...process.env, ...env } });
    this.#child.on('message', (message: Message) => this.messages.push(message));
    this.exit = once(this.#child, 'exit');
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  send(message: string): void {
    this.#child.send(message);
  }

  /** Waits for so many messages that have this. */
  async told<Key extends string>(key: Key, count = 1): Promise<Record<Key, unknown>[]> {
    const has = (message: object): message is Record<Key, unknown> => key in message;
    return vi.waitUntil(
      () => {
        const found = this.messages.filter((message) => has(message));
        return found.length >= count && found;
      },
      { timeout: 20_000, interval: 2 },
    );
  }

  async port(): Promise<number> {
    const [message] = await this.told('port');
    return message?.port as number;
  }
}

/** Waits until nobody listens there. */
export async function refuses(port: number): Promise<void> {
  await vi.waitUntil(
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('connect', () => socket.destroy());
        socket.on('close', (hasFailed) => resolve(hasFailed));
        socket.on('error', () => {});
      }),
    { timeout: 20_000, interval: 10 },
  );
}
