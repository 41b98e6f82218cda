import { GOALS } from './contenders.mjs';

/** Pure: the text of a run. */
export function report({ machine, loads }) {
  const lines = Object.entries(machine).map(([name, value]) => `${name.padEnd(10)} ${value}`);
  for (const load of loads) lines.push('', ...tableOf(load), '', ...goalLines(load));
  return `${lines.join('\n')}\n`;
}

/** What is kept as JSON: the numbers of every run. */
export function record({ machine, loads }) {
  return {
    schema: 'lastack.bench/1',
    machine,
    loads: loads.map(({ samples, ...load }) => ({ ...load, samples: Object.fromEntries(samples) })),
  };
}

function tableOf({ name, made, owned, samples }) {
  const rows = [['', 'n', 'median ms', 'min–max', 'user+system', 'peak MB', 'lines']];
  for (const [contender, list] of samples) {
    const ms = list.map((sample) => sample.ms);
    const cpu = list.map(({ userMs, systemMs }) => userMs + systemMs);
    const peak = list.map(({ peakKib }) => peakKib / 1024);
    rows.push([
      contender,
      String(list.length),
      shown(median(ms)),
      `${shown(Math.min(...ms))}–${shown(Math.max(...ms))}`,
      shown(median(cpu)),
      shown(median(peak)),
      String(median(list.map(({ lines }) => lines))),
    ]);
  }
  return [
    `${name}: ${made} sockets made, ${owned} TCP descriptors seen on the host`,
    ...aligned(rows),
  ];
}

function goalLines({ name, samples }) {
  const goals = GOALS.filter(
    ({ subject, to, load = name }) =>
      load === name && samples.has(subject) && (to === null || samples.has(to)),
  );
  return aligned(
    goals.map(({ subject, to, atMost, of }) => {
      const [list, others] = [samples.get(subject), samples.get(to)];
      const value = median(list.map((sample) => sample[of]));
      if (to === null) {
        return [
          `${subject}, peak memory`,
          `≤ ${shown(atMost / 1024)} MB`,
          verdict(value / 1024, atMost / 1024, ' MB'),
        ];
      }
      const ratio = value / median(others.map((sample) => sample[of]));
      // Noise only adds: far below the ratio of medians it was a noisy run.
      const ofMinima = leastOf(list, of) / leastOf(others, of);
      const counts = `(${list.length} and ${others.length} runs; of minima ${shown(ofMinima)}×)`;
      return [
        `${subject} / ${to}`,
        `≤ ${shown(atMost)}×`,
        `${verdict(ratio, atMost, '×')} ${counts}`,
      ];
    }),
  );
}

function verdict(value, atMost, unit) {
  return value <= atMost ? `reached ${shown(value)}${unit}` : `not reached: ${shown(value)}${unit}`;
}

function leastOf(list, of) {
  return Math.min(...list.map((sample) => sample[of]));
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three digits that matter. */
export function shown(value) {
  if (!Number.isFinite(value)) return '';
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** The first column to the left, the others to the right. */
export function aligned(rows) {
  const widths = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  ')
      .trimEnd(),
  );
}
