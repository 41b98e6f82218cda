import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LOOPBACK_UP, TETHER } from './programs.ts';
import type { LabResult } from './result.ts';
import type { Scenario } from './scenario.ts';

const STAGE = fileURLToPath(new URL('./lab-stage.cjs', import.meta.url));

/** The network that scenarios get here. */
export type LabNetwork =
  | {
      readonly kind: 'namespace';
      readonly command: readonly string[];
      readonly isUserOwned: boolean;
    }
  | { readonly kind: 'host'; readonly reason: string };

/** Whether each scenario can have a network namespace of its own. */
export function chooseNetwork(): LabNetwork {
  const isRoot = process.getuid?.() === 0;
  const command = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--net'];
  const probe = spawnSync(command[0], [...command.slice(1), 'true'], { encoding: 'utf8' });
  if (probe.status === 0) return { kind: 'namespace', command, isUserOwned: !isRoot };
  const reason =
    probe.error === undefined
      ? `unshare: ${probe.stderr.trim().replace(/^unshare: /, '') || 'refused'}`
      : 'unshare(1) is missing: install util-linux';
  return { kind: 'host', reason };
}

/** A scenario in a process of its own, which ends with its disposal and with us. */
export interface OpenStage extends AsyncDisposable {
  readonly pid: number;
  readonly result: LabResult;
}

/** Runs a scenario; with `keep` its programs go on until it is disposed. */
export async function openStage(
  scenario: Scenario,
  network: LabNetwork,
  keep: boolean,
): Promise<OpenStage> {
  const node = [process.execPath, '--require', TETHER];
  const words = [STAGE, scenario.id, network.kind, keep ? 'keep' : 'end'];
  const [command, ...args] =
    network.kind === 'namespace'
      ? [...network.command, ...node, '--require', LOOPBACK_UP, ...words]
      : [...node, ...words];
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, LASTACK_LAB_PARENT: String(process.pid) },
  });
  const ended = once(child, 'close');
  const line = await firstLine(child);
  const result =
    line === null
      ? failed(scenario, network.kind, 'its process ended without a result')
      : (JSON.parse(line) as LabResult);
  return {
    pid: child.pid ?? 0,
    result,
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await ended;
    },
  };
}

/** What is said of a scenario that did not get as far as a result. */
export function withoutResult(
  { id }: Scenario,
  network: LabResult['network'],
  outcome: 'failed' | 'skipped',
  reason: string,
): LabResult {
  return { id, outcome, reason, network, method: null, sides: [], doctor: null, facts: [], ms: 0 };
}

function failed(scenario: Scenario, network: LabResult['network'], reason: string): LabResult {
  return withoutResult(scenario, network, 'failed', reason);
}

async function firstLine(child: ChildProcess): Promise<string | null> {
  let text = '';
  for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) {
    text += String(chunk);
    const end = text.indexOf('\n');
    if (end !== -1) return text.slice(0, end);
  }
  return null;
}
