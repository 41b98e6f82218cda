import { timeOf, type SequenceDiagram } from '../render/sequence-diagram.ts';
import { waysInto, waysOutOf } from './arrows.ts';
import type { Executed } from './explain-text.ts';
import type { Subject } from './subject.ts';
import { pageOf } from './subjects.ts';
import type { Topic } from './topic.ts';

const SCHEMA = 'lastack.explain/1';

/** What `explain --json` prints without a subject; docs/explain.schema.json describes both. */
export function subjectsJson(subjects: readonly Subject[]): object {
  return {
    schema: SCHEMA,
    subjects: subjects.map((subject) => ({
      kind: subject.kind,
      id: subject.id,
      title: subject.title,
      docs: pageOf(subject),
    })),
  };
}

/** What `explain --json` prints of a word. */
export function topicJson({ name, myths, subjects }: Topic): object {
  return { schema: SCHEMA, kind: 'topic', name, myths, subjects };
}

/** What `explain --json` prints of a subject. Texts are Markdown. */
export function explanationJson(subject: Subject, { shown, trial }: Executed): object {
  const ways =
    subject.kind === 'state' ? { in: waysInto(subject.id), out: waysOutOf(subject.id) } : {};
  return {
    schema: SCHEMA,
    ...subject,
    ...ways,
    docs: pageOf(subject),
    simulation:
      shown === null
        ? null
        : {
            shows: subject.simulation?.shows ?? '',
            conditions: shown.conditions,
            isVaried: shown.isVaried,
            states: shown.states,
            ends: { client: shown.run.client, server: shown.run.server },
            rows: rowsOf(shown.diagram),
          },
    trial,
  };
}

function rowsOf({ rows }: SequenceDiagram): object[] {
  return rows.map(({ at, left, right, arrow }) => ({
    atMs: at,
    time: timeOf(at),
    client: left,
    server: right,
    segment:
      arrow === null
        ? null
        : {
            from: arrow.from === 'left' ? 'client' : 'server',
            label: arrow.label,
            part: arrow.part,
          },
  }));
}
