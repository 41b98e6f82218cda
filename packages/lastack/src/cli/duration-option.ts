import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '@lastack/core';

/** A timer of Node's holds no more (2^31 ms). */
const LONGEST_MS = 7 * 86_400_000;

/** An option's duration, ms; only 0 needs no unit. */
export function parseDurationOption(text: string): number {
  const ms = text === '0' ? 0 : parseDuration(text);
  if (ms === null)
    throw new InvalidArgumentError('Give a duration with its unit: 500ms, 2s, 10m, 1h30m.');
  if (ms > LONGEST_MS) throw new InvalidArgumentError('At most 7d.');
  return ms;
}

/** `--for`: how long to watch. */
export function forOption(): Option {
  return new Option('--for <duration>', 'how long to watch; 0 looks once')
    .argParser(parseDurationOption)
    .default(2000, '2s');
}
