import { isatty } from 'node:tty';
import { printError } from './output.ts';
import { compactDuration } from '../render/duration.ts';

const STEP_MS = 250;
/** 128 + SIGINT, as a shell reports it. */
const INTERRUPTED = 130;
const CLEAR_LINE = '\r\u001B[K';

/** Says on a terminal what takes so long and how much is left; silent in a pipe. */
export function startProgress(what: string, durationMs: number): { end(): void } {
  if (!isatty(2) || durationMs < STEP_MS) return { end: () => undefined };
  const begin = Date.now();
  const show = () => {
    const left = Math.max(0, durationMs - (Date.now() - begin));
    printError(`${CLEAR_LINE}${what}: ${compactDuration(Math.ceil(left / 1000) * 1000)} left`);
  };
  show();
  const timer = setInterval(show, STEP_MS);
  const interrupt = () => {
    printError(CLEAR_LINE);
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', interrupt);
  return {
    end: () => {
      clearInterval(timer);
      process.off('SIGINT', interrupt);
      printError(CLEAR_LINE);
    },
  };
}
