const DURATION =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1000, 1];

/**
 * The milliseconds of a duration such as `500ms`, `30s`, `5m`, `3h`, `2d`, `1.5h` or `1h30m` (units from large to small), or
 * null when the text is none.
 * @example parseDuration('1h30m') // 5400000
 */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null || text === '') return null;
  let ms = 0;
  for (const [i, unit] of UNITS_MS.entries()) {
    const amount = match.at(i + 1);
    if (amount !== undefined) ms += Number(amount) * unit;
  }
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : null;
}
