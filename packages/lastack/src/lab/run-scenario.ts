import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { startWatch } from '../gather/evidence.ts';
import { checkFacts } from './check-facts.ts';
import { compareStates } from './compare-states.ts';
import { judgeFindings } from './judge-findings.ts';
import { expectedStates } from './expected-states.ts';
import { NotPossible, startProgram, type RunningProgram } from './programs.ts';
import type { LabResult, SideResult } from './result.ts';
import type { Scenario, Side } from './scenario.ts';
import { watchStates, type StateWatch } from './watch-states.ts';

const PORT = 7000;
/** Ports of the host that scenarios may have: below those that it gives to clients by default. */
const FIRST_PORT = 20_000;
const EPHEMERAL_PORTS = 32_767;
const WINDOW_MS = 1000;
const PATIENCE_MS = 20_000;
const QUIET_MS = 4000;
const SIDES: readonly Side[] = ['client', 'server'];

/** A scenario that has come to its result; its programs run until it is disposed. */
export interface RunningScenario extends Disposable {
  readonly result: LabResult;
}

/** Runs a scenario in the network that this process is in. */
export async function runScenario(
  scenario: Scenario,
  network: LabResult['network'],
): Promise<RunningScenario> {
  const startedAt = Date.now();
  const empty = { id: scenario.id, network, method: null, sides: [], doctor: null, facts: [] };
  const stop = (outcome: LabResult['outcome'], reason: string): RunningScenario => ({
    result: { ...empty, outcome, reason, ms: Date.now() - startedAt },
    [Symbol.dispose]: () => {},
  });
  const refused = applySettings(scenario.sysctls ?? {});
  if (refused !== null) return stop('skipped', refused);
  const port = network === 'namespace' ? PORT : await freePort();
  const watch = watchStates(port);
  if (scenario.needsBpf === true && watch.method !== 'BPF') {
    watch[Symbol.dispose]();
    return stop(
      'skipped',
      'the doctor sees it through BPF only, which is not permitted: run as root',
    );
  }
  const programs: RunningProgram[] = [];
  const end = () => {
    watch[Symbol.dispose]();
    for (const program of programs) program[Symbol.dispose]();
  };
  try {
    for (const program of scenario.programs) programs.push(await startProgram(program, port));
    const stage = { scenario, network, port, programs, watch, startedAt };
    return { result: await waitForResult(stage), [Symbol.dispose]: end };
  } catch (error) {
    end();
    if (error instanceof NotPossible) return stop('skipped', error.message);
    return stop('failed', error instanceof Error ? error.message : String(error));
  }
}

/** What a running scenario is judged by. */
export interface Stage {
  readonly scenario: Scenario;
  readonly network: LabResult['network'];
  readonly port: number;
  readonly programs: readonly RunningProgram[];
  readonly watch: StateWatch;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Looks again and again until all is as expected, or for as long as the scenario's patience lasts. */
async function waitForResult(stage: Stage): Promise<LabResult> {
  const { scenario, startedAt } = stage;
  const { quietMs = QUIET_MS, patienceMs = PATIENCE_MS, expect } = scenario;
  const readyAt = Date.now();
  const quietUntil = readyAt + (expect.findings.length === 0 ? quietMs : 0);
  for (;;) {
    const watch = await startWatch({ netns: 'own', once: false });
    const evidence = await watch.after(WINDOW_MS);
    const sides = sidesOf(stage);
    const doctor = judgeFindings(evidence, stage);
    const facts = checkFacts(stage);
    const agrees = [...sides, doctor, ...facts].every((each) => each.agrees);
    const isOver = Date.now() > Math.max(readyAt + patienceMs, quietUntil);
    if (!isOver && !(agrees && Date.now() >= quietUntil)) continue;
    return {
      id: scenario.id,
      outcome: agrees ? 'passed' : 'failed',
      reason: null,
      network: stage.network,
      method: stage.watch.method,
      sides,
      doctor,
      facts,
      ms: Date.now() - startedAt,
    };
  }
}

function sidesOf({ scenario, watch, port, startedAt }: Stage): SideResult[] {
  const histories = watch.histories();
  const seen = { histories, port, startedAt, isComplete: watch.method === 'BPF' };
  return SIDES.flatMap((side) => {
    const expected = expectedStates(side, scenario.expect);
    return expected === null ? [] : [compareStates(side, expected, seen)];
  });
}

/** @returns why a setting was refused, or null */
function applySettings(settings: NonNullable<Scenario['sysctls']>): string | null {
  for (const [name, value] of Object.entries(settings)) {
    try {
      writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, value);
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      return `${name} cannot be set in a network namespace of its own: ${code}`;
    }
  }
  return null;
}

/** A port that is free with the one after it, and that no connection of the host is given by itself. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, EPHEMERAL_PORTS);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
