import {
  CLEAN_PATH,
  closesLate,
  halfCloses,
  NEVER_CLOSES,
  NEVER_READS,
  simulate,
  writesAndCloses,
  type Path,
  type TimelineEvent,
} from '@lastack/core';
import { expect, test } from 'vitest';
import { sequenceLines, type SequenceRow } from './sequence-diagram.ts';
import { sequenceSvg } from './sequence-svg.ts';
import { simulatedSequence } from './simulated-sequence.ts';

function drawn(...rows: Partial<SequenceRow>[]): string[] {
  const whole = rows.map((row) => ({ at: 0, left: '', right: '', arrow: null, ...row }));
  return sequenceLines({ left: 'client', right: 'server', rows: whole }).slice(1);
}

function simulated(path: Partial<Path>, seed: number): string {
  const events: TimelineEvent[] = [];
  simulate(
    { seed, client: writesAndCloses(100), server: NEVER_CLOSES, path: { ...CLEAN_PATH, ...path } },
    (event) => events.push(event),
  );
  return sequenceLines(simulatedSequence(events)).join('\n');
}

test('a segment goes from its sender to its receiver, and what it does stands at both ends', () => {
  expect(
    drawn({
      at: 10,
      left: 'ESTABLISHED',
      right: 'LAST-ACK',
      arrow: { from: 'right', label: 'FIN ACK', part: 'whole' },
    }),
  ).toEqual(['    10 ms  ESTABLISHED    ◀──────────── FIN ACK ──────────── LAST-ACK']);
});

test('a lost segment ends in a cross', () => {
  const [line] = drawn({ left: 'SYN-SENT', arrow: { from: 'left', label: 'SYN', part: 'lost' } });
  expect(line).toBe('     0 ms  SYN-SENT       ────────────── SYN ──────────────✕');
});

test('two that cross have a line each where they leave and where they arrive', () => {
  expect(
    drawn(
      { arrow: { from: 'left', label: 'FIN ACK', part: 'sent' } },
      { arrow: { from: 'left', label: 'FIN ACK', part: 'arrives' } },
    ),
  ).toEqual([
    '     0 ms                 ──────────── FIN ACK ┄┄┄┄┄┄┄┄┄┄┄┄┄',
    '     0 ms                 ┄┄┄┄┄┄┄┄┄┄┄┄ FIN ACK ────────────▶',
  ]);
});

test('a copy that comes late is called so', () => {
  const [line] = drawn({ arrow: { from: 'right', label: 'ACK', part: 'copy' } });
  expect(line).toMatch(/◀─+ ACK, late copy ┄+/);
});

test('a pause of a second has a line of its own, and times are as long as they need', () => {
  expect(drawn({ at: 20 }, { at: 1019 }, { at: 2019 }, { at: 62_030 }, { at: 600_000 })).toEqual([
    '    20 ms',
    '   1.02 s',
    '           ⋮                                                 ⋮',
    '   2.02 s',
    '           ⋮                                                 ⋮',
    '     62 s',
    '           ⋮                                                 ⋮',
    '   10 min',
  ]);
});

test('every line of a simulated run fits 78 columns, whatever was lost, repeated and overtaken', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const text = simulated({ loss: 0.3, duplicate: 0.3, jitter: 30, lateBy: 2000 }, seed);
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(78);
  }
});

test('what is sent again is called so, and a lost SYN is repeated after a second', () => {
  const text = simulated({ loss: 1 }, 1);
  expect(text).toMatch(/0 ms {2}SYN-SENT +─+ SYN ─+✕\n +⋮ +⋮\n +1 s +─+ SYN, again ─+✕/);
});

test('each segment that arrives is drawn once: whole, or as it leaves and as it arrives', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const events: TimelineEvent[] = [];
    simulate(
      {
        seed,
        client: writesAndCloses(5000),
        server: NEVER_CLOSES,
        path: { ...CLEAN_PATH, jitter: 40, loss: 0.1 },
      },
      (event) => events.push(event),
    );
    const arrows = simulatedSequence(events).rows.flatMap(({ arrow }) =>
      arrow === null ? [] : [arrow],
    );
    const count = (part: string) => arrows.filter((arrow) => arrow.part === part).length;
    const sends = events.filter((event) => event.kind === 'send');
    expect(count('whole') + count('sent') + count('lost')).toBe(sends.length);
    expect(count('lost')).toBe(sends.filter(({ arrives }) => arrives === null).length);
    expect(count('whole') + count('arrives')).toBe(
      events.filter(({ kind }) => kind === 'arrive').length,
    );
  }
});

test('at each end calls and states stand in the order in which they happened, on lines in the order of the clock', () => {
  const programs = [
    writesAndCloses(3000),
    NEVER_CLOSES,
    closesLate(40),
    halfCloses(20_000),
    NEVER_READS,
  ];
  for (let seed = 1; seed <= 100; seed++) {
    const events: TimelineEvent[] = [];
    const path = {
      ...CLEAN_PATH,
      jitter: seed % 40,
      loss: (seed % 3) / 10,
      duplicate: 0.1,
      lateBy: 500,
    };
    const client = programs[seed % 5];
    const server = programs[(seed * 3 + 1) % 5];
    simulate({ seed, client, server, path, connections: 2 }, (event) => events.push(event));
    const { rows } = simulatedSequence(events);
    expect(rows.map(({ at }) => at)).toEqual(rows.map(({ at }) => at).toSorted((a, b) => a - b));
    for (const [place, role] of [
      ['left', 'client'],
      ['right', 'server'],
    ] as const) {
      const happened = events.flatMap((event) => {
        if (event.role !== role) return [];
        if (event.kind === 'state') return [event.to];
        return event.kind === 'call' ? [event.call.kind] : [];
      });
      const shown = rows
        .slice(1)
        .flatMap((row) => (row[place] === '' ? [] : [row[place].replace(/\(.*/, '')]));
      expect(shown, `seed ${seed}, ${role}`).toEqual(happened);
    }
  }
});

test('the drawing has a title and a description, and no text of it is markup', () => {
  const svg = sequenceSvg(
    {
      left: '<client>',
      right: 'server & co',
      rows: [
        { at: 0, left: 'CLOSED', right: 'LISTEN', arrow: null },
        { at: 0, left: 'SYN-SENT', right: '', arrow: { from: 'left', label: 'SYN', part: 'sent' } },
        { at: 5, left: '', right: '', arrow: { from: 'right', label: 'ACK', part: 'lost' } },
        {
          at: 9,
          left: '',
          right: 'SYN-RECEIVED',
          arrow: { from: 'left', label: 'SYN', part: 'arrives' },
        },
        { at: 9, left: '', right: '', arrow: { from: 'left', label: 'SYN', part: 'copy' } },
      ],
    },
    'a "title"',
    'a < b && c',
  );
  expect(svg).toContain('<title id="title">a "title"</title>');
  expect(svg).toContain('<desc id="description">a &lt; b &amp;&amp; c</desc>');
  expect(svg).toContain('&lt;client&gt;');
  expect(svg.match(/class="lost"/g)).toHaveLength(1);
  expect(svg.match(/class="tip"/g)).toHaveLength(2);
  expect(svg.match(/<text/g)?.length).toBe(svg.match(/<\/text>/g)?.length);
});
