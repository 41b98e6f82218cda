import { constants } from 'node:os';
import { inspect } from 'node:util';
import { checkOptions } from '../options.ts';
import type { GracefulServerOptions } from './graceful-server.ts';

const WHERE = 'gracefulServer';

/** @throws TypeError that names the option that is wrong; times are checked where they are read */
export function checkGracefulOptions(options: GracefulServerOptions): void {
  checkOptions(WHERE, options, {
    signals: 'array',
    preStopDelay: 'any',
    idleGrace: 'any',
    deadline: 'any',
    readiness: 'object',
    linger: 'object',
    onUpgraded: 'function',
    onShutdown: 'function',
  });
  for (const signal of options.signals ?? []) {
    const isCatchable = signal !== 'SIGKILL' && signal !== 'SIGSTOP';
    if (!isCatchable || !Object.hasOwn(constants.signals, signal)) {
      throw new TypeError(
        `${WHERE}: signals must be names such as 'SIGTERM' that can be caught, not ${inspect(signal)}`,
      );
    }
  }
  const { readiness } = options;
  checkOptions(`${WHERE}: readiness`, readiness, { path: 'string', ready: 'function' });
  if (readiness !== undefined && !readiness.path?.startsWith('/')) {
    throw new TypeError(
      `${WHERE}: readiness.path must begin with /, as in { path: '/ready' }, not ${inspect(readiness.path)}`,
    );
  }
}
