import type { Fix } from '@lastack/core';
import { sequenceLines } from '../render/sequence-diagram.ts';
import { waysInto, waysOutOf, type Way } from './arrows.ts';
import { blocksMarkdown, fence, item, paragraph, sentence, table, verbatim } from './markdown.ts';
import type { Shown } from './simulation.ts';
import { FINDINGS, STATES } from './subjects.ts';
import type { FindingSubject, Myth, Sample, StateSubject, Subject } from './subject.ts';
import { trialText, type TimeWaitTrial } from './why-time-wait.ts';

export const GENERATED =
  '<!-- Written by scripts/docs.mjs from packages/lastack/src/explain: change it there. -->';

const FENCES: Readonly<Record<Sample['language'], string>> = {
  Node: 'js',
  Python: 'python',
  Go: 'go',
  Java: 'java',
  C: 'c',
  host: 'sh',
};

/** A state's page for docs/states. `picture` is the file of its drawing, or null where text shows the diagram. */
export function statePage(
  state: StateSubject,
  shown: Shown,
  picture: string | null,
  trial: TimeWaitTrial | null,
): string {
  const others = state.alsoCalled.filter((name) => name !== state.id);
  return page([
    GENERATED,
    `# ${state.id}`,
    paragraph(
      `${sentence(state.title)}${others.length === 0 ? '' : ` Also written ${others.map(coded).join(', ')}.`}`,
    ),
    blocksMarkdown(state.meaning),
    '## Simulated',
    ...simulated(state, shown, picture),
    ...(trial === null ? [] : [trialMarkdown(trial)]),
    '## In and out',
    table(
      ['on', 'sends', 'from', 'to', 'by'],
      [
        ...waysInto(state.id).map((way) => wayRow(way, stateLinks(way), `**${state.id}**`)),
        ...waysOutOf(state.id).map((way) => wayRow(way, `**${state.id}**`, stateLinks(way))),
      ],
    ),
    '## How long',
    paragraph(sentence(state.lasts).replace(/\.\.$/, '.')),
    '## What is normal',
    blocksMarkdown(state.normal),
    '## When it is a fault',
    blocksMarkdown(state.fault),
    item(`lastack reports ${state.findings.map((id) => `[${id}](../${id}.md)`).join(', ')}.`).slice(
      2,
    ),
    '## See it',
    fence('sh', state.see),
    ...(state.fix === null ? [] : ['## Fix it', adviceMarkdown(state.fix)]),
    '## Myths',
    mythsMarkdown(state.myths),
    printed(state),
  ]);
}

/** A finding's page for docs. */
export function findingPage(finding: FindingSubject, shown: Shown | null): string {
  const { advice, first, samples } = finding.fix;
  const states = Object.values<StateSubject>(STATES).filter(({ findings }) =>
    findings.includes(finding.id),
  );
  return page([
    GENERATED,
    `# ${finding.id}`,
    blocksMarkdown(finding.meaning),
    states.length === 0
      ? ''
      : paragraph(
          `States: ${states.map(({ id }) => `[${id}](states/${id.toLowerCase()}.md)`).join(', ')}.`,
        ),
    ...(shown === null ? [] : ['## Simulated', ...simulated(finding, shown, null)]),
    ...(finding.reported.length === 0
      ? []
      : ['## When lastack reports it', blocksMarkdown(finding.reported)]),
    '## Why it happens',
    blocksMarkdown(finding.causes),
    '## See it',
    fence('sh', finding.see),
    blocksMarkdown(finding.seeAlso),
    '## Fix it',
    paragraph(verbatim(sentence(advice.summary))),
    blocksMarkdown(first),
    ...samples.flatMap(sampleMarkdown),
    '## What is normal',
    blocksMarkdown(finding.normal),
    '## Myths',
    mythsMarkdown(finding.myths),
    '## Limits',
    blocksMarkdown(finding.limits),
    printed(finding),
  ]);
}

/** The list of the states, with their diagram. */
export function statesPage(diagram: readonly string[]): string {
  return page([
    GENERATED,
    '# The states of a TCP connection',
    fence('text', diagram.join('\n')),
    table(
      ['state', 'means', 'findings'],
      Object.values<StateSubject>(STATES).map(({ id, title, findings }) => [
        `[${id}](${id.toLowerCase()}.md)`,
        title,
        findings.map((rule) => `[${rule}](../${rule}.md)`).join(', '),
      ]),
    ),
    paragraph(
      `\`lastack explain STATE\` prints each of them in a terminal, and runs its simulation, varied as you want it. All ${Object.keys(FINDINGS).length} findings have a page, too.`,
    ),
  ]);
}

function simulated(subject: Subject, shown: Shown, picture: string | null): string[] {
  const { simulation } = subject;
  if (simulation === null) return [];
  return [
    paragraph(`${simulation.shows} ${shown.conditions}`),
    picture === null
      ? fence('text', sequenceLines(shown.diagram).join('\n'))
      : `![The sequence diagram of ${subject.id}: ${shown.conditions}](${picture})`,
  ];
}

function trialMarkdown(trial: TimeWaitTrial): string {
  const { question, answers } = trialText(trial);
  return `${paragraph(question)}\n\n${table(
    ['pairs', 'run'],
    answers.map(([count, kind]) => [count, kind]),
  )}`;
}

function wayRow({ on, sends, sources }: Way, from: string, to: string): string[] {
  return [on, sends ?? '', from, to, sources.join('; ')];
}

function stateLinks({ states }: Way): string {
  return states.map((id) => `[${id}](${id.toLowerCase()}.md)`).join(', ');
}

function adviceMarkdown({ summary, steps }: Fix): string {
  const list = steps.map(({ language, text }) => item(`**${language}:** ${verbatim(text)}`));
  return `${paragraph(verbatim(sentence(summary)))}\n\n${list.join('\n')}`;
}

function sampleMarkdown({ language, note, code, after }: Sample): string[] {
  const name = language === 'host' ? 'Host' : language;
  return [
    paragraph(note === undefined ? `**${name}**` : `**${name}.** ${note}`),
    code === undefined ? '' : fence(FENCES[language], code),
    after === undefined ? '' : paragraph(after),
  ];
}

function mythsMarkdown(myths: readonly Myth[]): string {
  return myths.map(({ claim, truth }) => item(`*${claim}* ${truth}`)).join('\n');
}

function printed({ id }: Subject): string {
  return paragraph(
    `\`lastack explain ${id.toLowerCase()}\` prints the essence of this page in a terminal.`,
  );
}

function coded(name: string): string {
  return `\`${name}\``;
}

function page(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
