import type { CloseWaitCause, RuleId, TcpState } from '@lastack/core';
import { until } from './condition.ts';
import { openNamespace, openPair, type Namespace, type NamespaceOptions } from './netns.ts';
import { childrenOf } from './procfs.ts';
import { startProgram, type Program } from './program.ts';
import { readSockets, type Socket } from './sockets.ts';

/** Who of a scenario has the sockets at fault: a program by its role, or the processes that the server has started. */
export type Role = 'server' | 'client' | "server's children";

export interface Finding {
  readonly kind: 'finding';
  readonly rule: RuleId;
  /** Of a close-wait-leak; absent where several are defensible. */
  readonly cause?: CloseWaitCause;
  /** Empty: nobody holds a descriptor of the sockets. */
  readonly holders: readonly Role[];
}

/** What the doctor must say of the scenario's namespace; `silent`: no finding at all. */
export type Expectation = Finding | { readonly kind: 'silent' };

/** What the kernel shows when the fault is there. */
export interface Sight {
  /** Completes "waited 20 s for …". */
  readonly what: string;
  /** The sockets at fault, or whether the fault is there where sockets do not tell. */
  readonly look: (stage: Stage) => readonly Socket[] | boolean;
}

/**
 * One fault as people make it, or one host without any. It runs in namespaces of its own; `here` is what lastack looks at.
 */
export interface Scenario {
  readonly id: string;
  /** What happens, as a noun phrase. */
  readonly shows: string;
  readonly expect: Expectation;
  /** `pair`: the peers are in a second namespace (`there`), so that they add no finding, and can vanish. */
  readonly network: 'alone' | 'pair';
  /** Starts the programs; returns when they have done what the fault needs. */
  readonly run: (stage: Stage) => Promise<void>;
  readonly sight: Sight;
  /** The kernel's name of the system call that the holder's main thread is in. */
  readonly blockedIn?: string;
  /** What the doctor takes for normal for so long, where that is more than seconds. */
  readonly patienceMs?: number;
}

export interface ScenarioOptions extends NamespaceOptions {
  /** Run the repaired twin: the same programs and clients, as they should be. The doctor does not say the rule of it. */
  readonly healthy?: boolean;
  /** The executable that runs programs in JavaScript; the tests' own unless said. */
  readonly node?: string;
}

/** A scenario while it is being set up. */
export interface Stage {
  readonly here: Namespace;
  /** The peers' namespace; `here` again when the scenario is alone. */
  readonly there: Namespace;
  /** Where `here` reaches `there`, and the other way round. */
  readonly toThere: string;
  readonly toHere: string;
  readonly port: number;
  readonly healthy: boolean;
  readonly programs: ReadonlyMap<string, Program>;
  /**
   * Starts a program of `programs/` under a role; `--healthy` is added in the repaired twin.
   * @param where `here` unless said
   */
  readonly start: (
    role: string,
    program: string,
    args: readonly (string | number)[],
    where?: Namespace,
  ) => Promise<Program>;
}

/** A scenario whose state the kernel shows. Dispose it to end its processes and namespaces. */
export interface RunningScenario extends AsyncDisposable {
  readonly scenario: Scenario;
  /** The namespace that lastack is to look at. */
  readonly namespace: Namespace;
  readonly port: number;
  /** Every process in the namespaces. */
  readonly pids: readonly number[];
  /** The processes that `expect.holders` names. */
  readonly holders: readonly number[];
  /** The sockets at fault; none in a healthy twin, and none where the fault is not in the sockets. */
  readonly sockets: readonly Socket[];
  readonly programs: ReadonlyMap<string, Program>;
}

const PORT = 7000;

/**
 * Starts a scenario in namespaces of its own and waits until the kernel shows its fault, or in a healthy twin until its
 * clients are done and no socket shows it.
 * @throws NamespaceUnavailable where it cannot run here; its message is the reason to skip
 */
export async function startScenario(
  scenario: Scenario,
  { healthy = false, node, ...options }: ScenarioOptions = {},
): Promise<RunningScenario> {
  const network = await openNetwork(scenario.network, options);
  try {
    const programs = new Map<string, Program>();
    const stage: Stage = {
      ...network,
      port: PORT,
      healthy,
      programs,
      start: async (role, name, args, where = network.here) => {
        const program = await startProgram(
          where,
          name,
          healthy ? [...args, '--healthy'] : args,
          node,
        );
        programs.set(role, program);
        return program;
      },
    };
    await scenario.run(stage);
    const sockets = await until(
      () => (healthy ? lookForRepair(scenario, stage) : lookForFault(scenario, stage)),
      () =>
        `${healthy ? 'the end of ' : ''}${scenario.sight.what} (${scenario.id}); there are\n${describe(network.here)}`,
    );
    const { expect } = scenario;
    return {
      scenario,
      namespace: network.here,
      port: PORT,
      pids: [...new Set([...network.here.pids(), ...network.there.pids()])],
      holders:
        expect.kind === 'finding' ? expect.holders.flatMap((role) => pidsOf(role, stage)) : [],
      sockets,
      programs,
      [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
    };
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}

/** @returns the sockets at fault, an empty array for a fault that is not in the sockets, null when it is not there yet */
function lookForFault({ sight }: Scenario, stage: Stage): readonly Socket[] | null {
  const seen = sight.look(stage);
  if (typeof seen === 'boolean') return seen ? [] : null;
  return seen.length > 0 ? seen : null;
}

/** @returns an empty array once nothing shows the fault and nobody waits for accept any more */
function lookForRepair({ sight }: Scenario, stage: Stage): readonly Socket[] | null {
  const seen = sight.look(stage);
  if (typeof seen === 'boolean' ? seen : seen.length > 0) return null;
  const waiting = readSockets(stage.here).some(
    (socket) => socket.state === 'LISTEN' && socket.recvQ > 0,
  );
  return waiting ? null : [];
}

/** The sight of sockets of one state, with further conditions where the state is not enough. */
export function socketsIn(
  state: TcpState,
  count: number,
  where: (socket: Socket, stage: Stage) => boolean = () => true,
): Sight {
  return {
    what: `${count} sockets in ${state}`,
    look: (stage) => {
      const found = readSockets(stage.here).filter(
        (socket) => socket.state === state && where(socket, stage),
      );
      // In the repaired twin a single one is one too many.
      return found.length >= (stage.healthy ? 1 : count) ? found : [];
    },
  };
}

async function openNetwork(
  kind: Scenario['network'],
  options: NamespaceOptions,
): Promise<Pick<Stage, 'here' | 'there' | 'toHere' | 'toThere'> & AsyncDisposable> {
  if (kind === 'pair') {
    const { here, there, ...pair } = await openPair(options);
    return { here, there, toThere: '10.99.0.2', toHere: '10.99.0.1', ...pair };
  }
  const here = await openNamespace(options);
  return {
    here,
    there: here,
    toThere: '127.0.0.1',
    toHere: '127.0.0.1',
    [Symbol.asyncDispose]: () => here[Symbol.asyncDispose](),
  };
}

function pidsOf(role: Role, { programs }: Stage): number[] {
  const name = role === "server's children" ? 'server' : role;
  const pid = programs.get(name)?.pid;
  if (pid === undefined) return [];
  return name === role ? [pid] : childrenOf(pid);
}

function describe(ns: Namespace): string {
  return readSockets(ns)
    .map(({ state, localPort, remotePort, recvQ, sendQ, inode }) =>
      [state, localPort, remotePort, `recvQ ${recvQ}`, `sendQ ${sendQ}`, `inode ${inode}`].join(
        ' ',
      ),
    )
    .join('\n');
}
