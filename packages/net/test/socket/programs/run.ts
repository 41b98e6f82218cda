import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { collect, type Namespace } from '../../../../lastack/test/kit/netns.ts';
import { SELF_SIGNED } from '../../graceful/kit/self-signed.ts';
import { LIBRARY_ENV } from './bundle.ts';

export interface ProgramOptions {
  readonly role: 'client' | 'server';
  readonly tls: boolean;
  readonly [option: string]: unknown;
}

/** A program of this folder that runs inside a namespace, takes commands and answers in lines of JSON. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #output: ReturnType<typeof collect>;

  constructor(ns: Namespace, name: 'subject' | 'peer', { tls, ...options }: ProgramOptions) {
    const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
    const settings = JSON.stringify({ ...options, keys: tls ? SELF_SIGNED : null });
    this.#child = ns.spawn(process.execPath, [file, settings], { env: LIBRARY_ENV });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
    this.#output = collect(this.#child);
  }

  command(command: string): void {
    this.#child.stdin.write(`${command}\n`);
  }

  /** The next answer. */
  async answer<T>(): Promise<T> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the program ended: ${(await this.#output).stderr}`);
    return JSON.parse(line.value) as T;
  }

  ask<T>(command: string): Promise<T> {
    this.command(command);
    return this.answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
    await this.#output;
  }
}
