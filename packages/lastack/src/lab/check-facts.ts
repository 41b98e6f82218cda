import { localPortOf, maskOfStates, remotePortOf, TIME_WAIT_MS } from '@lastack/core';
import { readSockets } from '../gather/sockets.ts';
import type { FactResult } from './result.ts';
import type { Stage } from './run-scenario.ts';
import type { Side } from './scenario.ts';

/** What else was to be seen: the words of the programs, and a TIME-WAIT that runs down. */
export function checkFacts(stage: Stage): FactResult[] {
  const { timeWait, says = [] } = stage.scenario.expect;
  return [
    ...says.map(({ role, line }) => saidBy(stage, role, line)),
    ...(timeWait === undefined ? [] : [countdown(stage, timeWait.side, timeWait.until)]),
  ];
}

function saidBy({ programs }: Stage, role: string, line: string | RegExp): FactResult {
  const lines = programs.find((program) => program.role === role)?.lines ?? [];
  const isMeant = (said: string) => (typeof line === 'string' ? said === line : line.test(said));
  const said = lines.find(isMeant);
  return {
    what: `the ${role} says ${typeof line === 'string' ? `"${line}"` : String(line)}`,
    observed: said ?? (lines.join(' | ') || 'nothing'),
    agrees: said !== undefined,
  };
}

function countdown({ port, watch }: Stage, side: Side, until: 'counting' | 'gone'): FactResult {
  const left = timersOf(side, port);
  const entered = watch
    .histories()
    .filter((each) => (side === 'server' ? each.localPort : each.remotePort) === port)
    .flatMap(({ states }) => states.filter(({ state }) => state === 'TIME-WAIT'));
  const passed = entered.map(({ atMs }) => Date.now() - atMs);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  if (until === 'gone') {
    const wasThere = passed.length > 0;
    return {
      what: `TIME-WAIT of the ${side} lasts 60 s and is gone then`,
      observed: left.length > 0 ? `${seconds(left[0])} left` : wasThere ? 'gone' : 'never seen',
      agrees: left.length === 0 && wasThere,
    };
  }
  // The kernel's timer wheel is coarse: an eighth of the time, at most.
  const agrees =
    left.length > 0 &&
    passed.length > 0 &&
    Math.abs(left[0] + passed[0] - TIME_WAIT_MS) < TIME_WAIT_MS / 8;
  return {
    what: `TIME-WAIT of the ${side} counts down from 60 s`,
    observed:
      left.length === 0 || passed.length === 0
        ? 'there is none'
        : `${seconds(left[0])} left after ${seconds(passed[0])}`,
    agrees,
  };
}

/** How long the TIME-WAITs of a side go on, ms. */
function timersOf(side: Side, port: number): number[] {
  const read = readSockets({ states: maskOfStates(['TIME-WAIT']), info: 'none', netns: 'own' });
  if (read.kind === 'unavailable') return [];
  const { table } = read.value;
  const portOf = side === 'server' ? localPortOf : remotePortOf;
  return Array.from({ length: table.count }, (_, row) => row)
    .filter((row) => portOf(table, row) === port)
    .map((row) => table.expires[row]);
}
