import { NetError } from '../net-error.ts';
import { describeSocket, type OpenSocket } from './open-socket.ts';

/**
 * Sockets were left open. Code `ERR_SOCKET_LEAK`; the message has a paragraph for each.
 *
 * Its stack is that of the first socket's making, so that a test runner shows the line.
 */
export class LeakError extends NetError {
  override readonly name = 'LeakError';
  // No property of its own, which test runners would print after the message that says the same.
  readonly #leaks: readonly OpenSocket[];

  /** @internal @param test that left them; left out when they are not of one test */
  constructor(leaks: readonly OpenSocket[], test?: string) {
    const count = leaks.length === 1 ? '1 socket was' : `${leaks.length} sockets were`;
    const paragraphs = leaks.map((leak) => indent(describeSocket(leak, test))).join('\n');
    super(
      'ERR_SOCKET_LEAK',
      `${count} left open${test === undefined ? '' : ` by the test "${test}"`}\n${paragraphs}`,
    );
    this.#leaks = leaks;
    const stack = leaks.find(({ createdAt }) => createdAt.line !== undefined)?.createdAt.stack;
    if (stack !== undefined) this.stack = `${this.name}: ${this.message}\n${stack}`;
  }

  /** The sockets that were left open. */
  get leaks(): readonly OpenSocket[] {
    return this.#leaks;
  }
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
