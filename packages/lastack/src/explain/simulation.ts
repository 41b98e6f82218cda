import {
  CLEAN_PATH,
  grouped,
  LINUX,
  RFC_9293,
  simulate,
  type Path,
  type Role,
  type Run,
  type Setup,
  type TcpOptions,
  type TcpState,
  type TimelineEvent,
} from '@lastack/core';
import { simulatedSequence } from '../render/simulated-sequence.ts';
import type { SequenceDiagram } from '../render/sequence-diagram.ts';
import { PROGRAMS, type ProgramName } from './programs.ts';

/** What a subject shows by running it. */
export interface Simulation {
  /** What to look at in the diagram: one sentence. */
  readonly shows: string;
  readonly client: ProgramName;
  readonly server: ProgramName;
  /** A network without faults unless given. */
  readonly path?: Partial<Path>;
  readonly seed?: number;
  /** Nobody listens. */
  readonly refuses?: boolean;
  /** Where it differs from Linux. */
  readonly options?: Partial<TcpOptions>;
  /** When the clock stops, ms. */
  readonly until?: number;
}

/** What the reader wants to be otherwise; what is left out stays as the subject has it. */
export interface Variation {
  readonly client?: ProgramName | undefined;
  readonly server?: ProgramName | undefined;
  readonly loss?: number | undefined;
  readonly duplicate?: number | undefined;
  /** ms, one way. */
  readonly delay?: number | undefined;
  readonly seed?: number | undefined;
  readonly stack?: 'linux' | 'rfc' | undefined;
}

/** A simulation that was run. */
export interface Shown {
  readonly diagram: SequenceDiagram;
  readonly run: Run;
  /** The states that each side has been in, in their order. */
  readonly states: Readonly<Record<Role, readonly TcpState[]>>;
  /** Not as the subject has it: the reader wanted it otherwise. */
  readonly isVaried: boolean;
  /** How it was run, as a sentence. */
  readonly conditions: string;
}

/** Copies of a varied network come so late at most, ms. */
const LATE_BY = 2000;

/** Runs a subject's simulation, varied as the reader wants it. */
export function show(simulation: Simulation, variation: Variation = {}): Shown {
  const setup = setupOf(simulation, variation);
  const events: TimelineEvent[] = [];
  const listening = simulation.refuses === true ? 'CLOSED' : 'LISTEN';
  const states: Record<Role, TcpState[]> = { client: ['CLOSED'], server: [listening] };
  const run = simulate(setup, (event) => {
    events.push(event);
    if (event.kind === 'state') states[event.role].push(event.to);
  });
  const diagram = simulatedSequence(events, {
    server: listening,
    until: setup.until ?? null,
  });
  const { stack, ...others } = variation;
  const isVaried = stack === 'rfc' || Object.values(others).some((value) => value !== undefined);
  return { diagram, run, states, isVaried, conditions: conditionsOf(simulation, variation, setup) };
}

function setupOf(simulation: Simulation, variation: Variation): Setup {
  const { refuses, until } = simulation;
  const client = variation.client ?? simulation.client;
  const server = variation.server ?? simulation.server;
  const stack = variation.stack === 'rfc' ? RFC_9293 : LINUX;
  const options = { ...stack, ...simulation.options };
  return {
    seed: variation.seed ?? simulation.seed ?? 1,
    client: PROGRAMS[client].program('client'),
    server: PROGRAMS[server].program('server'),
    path: pathOf(simulation, variation),
    clientOptions: options,
    serverOptions: options,
    ...(refuses === undefined ? {} : { refuses }),
    ...(until === undefined ? {} : { until }),
  };
}

function pathOf({ path }: Simulation, { loss, duplicate, delay }: Variation): Path {
  return {
    ...CLEAN_PATH,
    lateBy: duplicate === undefined ? 0 : LATE_BY,
    ...path,
    ...(loss === undefined ? {} : { loss }),
    ...(duplicate === undefined ? {} : { duplicate }),
    ...(delay === undefined ? {} : { delay }),
  };
}

/** `The client writes 100 bytes and closes; the server never closes. 10 ms one way, no loss.` */
function conditionsOf(simulation: Simulation, variation: Variation, setup: Setup): string {
  const client = PROGRAMS[variation.client ?? simulation.client].does;
  const server = PROGRAMS[variation.server ?? simulation.server].does;
  const { delay, loss, duplicate, cutAt } = setup.path ?? CLEAN_PATH;
  const isRandom = (loss > 0 && loss < 1) || duplicate > 0;
  const network = [
    `${delay} ms one way`,
    ...(loss > 0 ? [`${percent(loss)} lost`] : []),
    ...(duplicate > 0 ? [`${percent(duplicate)} arrive twice`] : []),
    ...(cutAt === undefined ? [] : [`the network is cut after ${cutAt} ms`]),
    ...(isRandom ? [`seed ${setup.seed}`] : []),
    ...differences(simulation),
    ...(variation.stack === 'rfc' ? ['by the letter of RFC 9293'] : []),
  ].join(', ');
  const answer = simulation.refuses === true ? 'nobody listens' : `the server ${server}`;
  return `The client ${client}; ${answer}. ${network}.`;
}

function differences({ options = {} }: Simulation): string[] {
  return [
    ...(options.timeWait === 0 ? ['TIME-WAIT left out'] : []),
    ...(options.mss === undefined ? [] : [`segments of ${grouped(options.mss)} bytes`]),
  ];
}

function percent(rate: number): string {
  return `${Number((rate * 100).toFixed(1))} %`;
}
