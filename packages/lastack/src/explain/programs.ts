import {
  CLOSES_AFTER_PEER,
  grouped,
  closesLate,
  halfCloses,
  NEVER_CLOSES,
  NEVER_READS,
  writesAndCloses,
  type Program,
  type Role,
} from '@lastack/core';

const BYTES = 100;
const LATE = 5000;
/** More than a receive buffer holds. */
const MANY_BYTES = 100_000;
const WRITES = { when: 'established', call: { kind: 'write', bytes: BYTES } } as const;

interface NamedProgram {
  /** What it does, as the rest of a sentence. */
  readonly does: string;
  /** The client knows of the connection first, and waits for a little longer where both are to act together. */
  program(role: Role): Program;
}

/** The programs that a simulation can be made of, by the names that the command line takes. */
export const PROGRAMS = {
  'closes-first': {
    does: `writes ${BYTES} bytes and closes`,
    program: () => writesAndCloses(BYTES),
  },
  'gives-up': {
    does: `writes ${BYTES} bytes, and closes after 3 s without an answer`,
    program: () => ({
      reads: true,
      steps: [WRITES, { when: 'established', after: 3000, call: { kind: 'close' } }],
    }),
  },
  'half-closes': {
    does: `writes ${BYTES} bytes, ends its stream with shutdown(WR), and closes after its peer`,
    program: () => halfCloses(BYTES),
  },
  'half-closes-and-holds': {
    does: `writes ${BYTES} bytes, ends its stream with shutdown(WR), and never closes`,
    program: () => ({ ...halfCloses(BYTES), steps: halfCloses(BYTES).steps.slice(0, 2) }),
  },
  'closes-after-peer': {
    does: 'reads, and closes when its peer has',
    program: () => CLOSES_AFTER_PEER,
  },
  answers: {
    does: `answers the request with ${BYTES} bytes, and closes after its peer`,
    program: () => ({
      reads: true,
      steps: [
        { when: 'data', after: 50, call: WRITES.call },
        { when: 'end of stream', after: 100, call: { kind: 'close' } },
      ],
    }),
  },
  'answers-and-closes': {
    does: `answers the request with ${BYTES} bytes and closes first`,
    program: () => ({
      reads: true,
      steps: [
        { when: 'data', after: 50, call: WRITES.call },
        { when: 'data', after: 50, call: { kind: 'close' } },
      ],
    }),
  },
  'closes-late': {
    does: `closes ${LATE / 1000} s after its peer`,
    program: () => closesLate(LATE),
  },
  'closes-soon': {
    does: 'closes when the connection is 100 ms old',
    program: (role) => ({
      reads: true,
      steps: [
        { when: 'established', after: role === 'client' ? 101 : 100, call: { kind: 'close' } },
      ],
    }),
  },
  'never-closes': { does: 'reads, and never closes', program: () => NEVER_CLOSES },
  'never-reads': { does: 'neither reads nor closes', program: () => NEVER_READS },
  waits: {
    does: `writes a request of ${BYTES} bytes and waits for the answer`,
    program: () => ({ reads: true, steps: [WRITES] }),
  },
  'writes-much': {
    does: `writes ${grouped(MANY_BYTES)} bytes and never closes`,
    program: () => ({
      reads: true,
      steps: [{ when: 'established', call: { kind: 'write', bytes: MANY_BYTES } }],
    }),
  },
  resets: {
    does: 'aborts the connection when it is 100 ms old',
    program: () => ({
      reads: true,
      steps: [{ when: 'established', after: 100, call: { kind: 'abort' } }],
    }),
  },
} as const satisfies Readonly<Record<string, NamedProgram>>;

export type ProgramName = keyof typeof PROGRAMS;

export function isProgramName(name: string): name is ProgramName {
  return Object.hasOwn(PROGRAMS, name);
}
