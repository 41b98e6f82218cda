import { InvalidArgumentError } from 'commander';
import { parseDuration } from '@lastack/core';

/** An option's duration in ms; a bare number counts as seconds. */
export function parseDurationOption(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === null || !Number.isFinite(ms)) {
    throw new InvalidArgumentError('Give a duration like 500ms, 2s, 10m or 1h30m.');
  }
  return ms;
}
