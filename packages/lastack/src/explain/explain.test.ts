import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { RULE_IDS, TCP_STATES, TRANSITIONS } from '@lastack/core';
import { expect, test } from 'vitest';
import { sequenceLines } from '../render/sequence-diagram.ts';
import { plain } from '../render/style.ts';
import { waysInto, waysOutOf } from './arrows.ts';
import { explainLines } from './explain-text.ts';
import { findSubject } from './find-subject.ts';
import { indexLines } from './index-text.ts';
import { docsPages } from './pages.ts';
import { show, type Shown } from './simulation.ts';
import { FINDINGS, STATES, SUBJECTS } from './subjects.ts';
import type { FindingSubject, StateSubject, Subject } from './subject.ts';
import { tryTimeWait } from './why-time-wait.ts';

const STATE_SUBJECTS: readonly StateSubject[] = Object.values(STATES);
const FINDING_SUBJECTS: readonly FindingSubject[] = Object.values(FINDINGS);
const SCREEN = { lines: 40, columns: 100 };
const LANGUAGES = ['Node', 'Python', 'Go', 'Java'];

function shownOf({ simulation }: Subject): Shown {
  if (simulation === null) throw new Error('nothing is simulated');
  return show(simulation);
}

function textOf(subject: Subject): string[] {
  const executed = {
    shown: subject.simulation === null ? null : shownOf(subject),
    trial: subject.id === 'TIME-WAIT' ? tryTimeWait(100) : null,
  };
  return explainLines(subject, executed, plain, SCREEN.columns);
}

/** `from label` of the segments that were lost. */
function lostOf({ diagram }: Shown): string[] {
  return diagram.rows.flatMap(({ arrow }) =>
    arrow?.part === 'lost' ? [`${arrow.from} ${arrow.label}`] : [],
  );
}

test('every state of RFC 9293 and every rule has an explanation under its own name', () => {
  expect(Object.keys(STATES).toSorted()).toEqual([...TCP_STATES].toSorted());
  expect(Object.keys(FINDINGS).toSorted()).toEqual([...RULE_IDS].toSorted());
  for (const [id, subject] of Object.entries({ ...STATES, ...FINDINGS }))
    expect(subject.id).toBe(id);
});

test.each([
  ['close-wait', 'CLOSE-WAIT'],
  ['CLOSE_WAIT', 'CLOSE-WAIT'],
  ['closewait', 'CLOSE-WAIT'],
  ['TIME_WAIT', 'TIME-WAIT'],
  ['estab', 'ESTABLISHED'],
  ['SYN_RECV', 'SYN-RECEIVED'],
  ['FIN_WAIT1', 'FIN-WAIT-1'],
  ['unconn', 'CLOSED'],
  ['Port-Exhaustion', 'port-exhaustion'],
])('%s is found as %s', (name, id) => {
  expect(findSubject(name)).toMatchObject({ kind: 'found', subject: { id } });
});

test.each([
  ['close-wiat', 'CLOSE-WAIT'],
  ['timewat', 'TIME-WAIT'],
  ['port-exaustion', 'port-exhaustion'],
  ['zombie', 'zombie-children'],
])('for %s, which is nothing, %s is the nearest', (name, nearest) => {
  const found = findSubject(name);
  expect(found.kind === 'unknown' && found.nearest[0]).toBe(nearest);
});

test('every explanation fits two screens of 40 lines and 100 columns', () => {
  for (const subject of SUBJECTS) {
    const rows = textOf(subject).map((line) =>
      Math.max(1, Math.ceil(line.length / SCREEN.columns)),
    );
    expect
      .soft(
        rows.reduce((sum, each) => sum + each, 0),
        subject.id,
      )
      .toBeLessThanOrEqual(2 * SCREEN.lines);
  }
});

test('the list fits one screen and names everything', () => {
  const lines = indexLines(plain);
  expect(lines.length).toBeLessThanOrEqual(SCREEN.lines);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(SCREEN.columns);
  for (const { id } of SUBJECTS) expect(lines.join('\n')).toContain(id);
});

test('the text has no marks of Markdown left', () => {
  for (const subject of SUBJECTS) {
    const shell = subject.see.split('\n').map((line) => line.trim());
    const prose = textOf(subject).filter((line) => !shell.some((part) => line.includes(part)));
    expect.soft(prose.join('\n'), subject.id).not.toMatch(/\]\(|\*\*|undefined/);
  }
});

test('the diagram of each state reaches it, whatever the delay and the chance, by Linux and by the RFC', () => {
  for (const { id, simulation } of STATE_SUBJECTS) {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 1e6 }),
        fc.constantFrom('linux' as const, 'rfc' as const),
        (delay, seed, stack) => {
          const { states, diagram } = show(simulation, { delay, seed, stack, loss: 0 });
          expect([...states.client, ...states.server]).toContain(id);
          expect(sequenceLines(diagram).join('\n')).toContain(id);
        },
      ),
      { numRuns: 30 },
    );
    expect(sequenceLines(show(simulation).diagram).join('\n')).toContain(id);
  }
});

test('the chosen runs show what they say', () => {
  const of = (id: keyof typeof STATES | keyof typeof FINDINGS) =>
    shownOf({ ...STATES, ...FINDINGS }[id]);
  for (const id of ['TIME-WAIT', 'LAST-ACK', 'time-wait-overflow'] as const) {
    expect.soft(lostOf(of(id)), id).toEqual(['left ACK']);
  }
  const labels = of('time-wait-overflow').diagram.rows.map(({ arrow }) => arrow?.label);
  expect(labels.slice(-2)).toContain('RST');
  expect(lostOf(of('SYN-RECEIVED'))).toEqual(['right SYN ACK']);
  expect(lostOf(of('listen-overflow'))).toEqual(['left SYN']);
  expect(of('connect-hanging').run).toMatchObject({
    client: { error: 'ETIMEDOUT' },
    endedAt: 131_000,
  });
  expect(of('CLOSED').run.client.error).toBe('ECONNREFUSED');
  for (const id of ['CLOSE-WAIT', 'FIN-WAIT-2', 'close-wait-leak'] as const) {
    expect.soft(of(id).run.server.state, id).toBe('CLOSE-WAIT');
    expect.soft(of(id).run.client.state, id).toBe('CLOSED');
  }
  expect(of('accept-backlog-stalled').run.server).toMatchObject({
    state: 'CLOSE-WAIT',
    bytesReceived: 0,
  });
  expect(of('fin-wait-2-held').run.client.state).toBe('FIN-WAIT-2');
  expect(of('inherited-socket').run.client.state).toBe('FIN-WAIT-2');
  expect(of('dead-descriptor').run.server).toMatchObject({ state: 'CLOSED', error: 'ECONNRESET' });
  expect(of('read-hanging').run.client.state).toBe('ESTABLISHED');
  expect(of('read-hanging').diagram.rows.some(({ arrow }) => arrow?.label === '100 B')).toBe(true);
  expect(of('send-stuck').diagram.rows.map(({ arrow }) => arrow?.label)).toContain('window probe');
  expect(
    of('FIN-WAIT-1').diagram.rows.filter(({ arrow }) => arrow?.label === 'FIN ACK, again'),
  ).toHaveLength(8);
  expect(of('peer-vanished').run.server.state).toBe('ESTABLISHED');
  expect(of('CLOSING').states).toMatchObject({
    client: expect.arrayContaining(['CLOSING', 'TIME-WAIT']) as string[],
    server: expect.arrayContaining(['CLOSING', 'TIME-WAIT']) as string[],
  });
});

test('by the letter of the RFC a FIN-WAIT-2 that nobody holds stays for ever', () => {
  expect(show(STATES['FIN-WAIT-2'].simulation, { stack: 'rfc' }).run.client.state).toBe(
    'FIN-WAIT-2',
  );
});

test('the ways in and out are all those of the table of transitions, and no others', () => {
  for (const state of TCP_STATES) {
    const into = waysInto(state).reduce(
      (sum, { on, states }) => sum + on.split(' or ').length * states.length,
      0,
    );
    const out = waysOutOf(state).reduce(
      (sum, { on, states }) => sum + on.split(' or ').length * states.length,
      0,
    );
    expect.soft(into, state).toBe(TRANSITIONS.filter(({ to }) => to === state).length);
    expect.soft(out, state).toBe(TRANSITIONS.filter(({ from }) => from === state).length);
  }
});

test('the myths are corrected', () => {
  const mythsOf = ({ myths }: Subject) =>
    myths.map(({ claim, truth }) => `${claim} ${truth}`).join('\n');
  expect(mythsOf(STATES['TIME-WAIT'])).toMatch(
    /tcp_fin_timeout` shortens TIME-WAIT\." It does not/,
  );
  expect(mythsOf(STATES['TIME-WAIT'])).toMatch(/tcp_tw_recycle`\." It is gone since Linux 4\.12/);
  expect(mythsOf(STATES['FIN-WAIT-2'])).toMatch(/shortens TIME-WAIT\." It does not/);
  for (const subject of [STATES.CLOSED, STATES['CLOSE-WAIT'], FINDINGS['dead-descriptor']]) {
    expect.soft(mythsOf(subject), subject.id).toMatch(/ss -K`[^]*(does not|descriptor stays)/);
  }
  for (const subject of SUBJECTS) expect.soft(subject.myths.length, subject.id).toBeGreaterThan(0);
});

test('where a program is at fault it is mended in four languages', () => {
  for (const { id, fix } of FINDING_SUBJECTS) {
    // A setting of the host: no program can mend it.
    if (id === 'obsolete-sysctl') continue;
    expect
      .soft(
        fix.samples.map(({ language }) => language),
        id,
      )
      .toEqual(expect.arrayContaining(LANGUAGES));
  }
  for (const { id, fix } of STATE_SUBJECTS) {
    expect
      .soft(
        fix?.steps.map(({ language }) => language),
        id,
      )
      .toEqual(expect.arrayContaining(LANGUAGES));
  }
});

test('TIME-WAIT keeps old bytes out, and so do time stamps; without both they come in', () => {
  const trial = tryTimeWait(1000);
  expect(trial).toMatchObject({ with: 0, withTimestamps: 0 });
  expect(trial.without).toBeGreaterThan(0);
  expect(trial.endedByReset).toBeGreaterThan(0);
});

test('docs/ says what the program says: npm run docs', () => {
  for (const [path, text] of docsPages()) {
    const written = readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
    expect.soft(written === text, path).toBe(true);
  }
});

test('no page of docs/ refers to a page that is missing', () => {
  const pages = docsPages();
  for (const [path, text] of pages) {
    if (!path.endsWith('.md')) continue;
    for (const [, target] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      const url = new URL(target, `file:///${path}`);
      expect.soft(pages.has(url.pathname.slice(1)), `${path}: ${target}`).toBe(true);
    }
  }
});
