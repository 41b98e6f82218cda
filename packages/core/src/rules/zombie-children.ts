import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { kernelStateOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { holdingsOf, ownerOf, type Holding } from './holders.ts';
import { defineRule } from './rule.ts';
import { counted, grouped, inSeconds } from './wording.ts';

/** A server that waits for its children has some that have just ended; not the same ones at two looks. */
const MANY = 5;
/** Python's ForkingMixIn has up to 40 children and waits for them twice a second, so one look may see them all. */
const MANY_AT_ONE_LOOK = 50;
const CRITICAL = 1000;

/** A server whose children have ended and are never waited for. */
export const zombieChildren = defineRule({
  id: 'zombie-children',
  needs: ['processes', 'owners', 'sockets'],
  uses: [],
  find({ processes, owners, sockets }, { windowMs }) {
    const suspects = [...processes.values()].filter(
      (facts) => lastingZombies(facts).length >= leastOf(facts),
    );
    const table = sockets.last;
    const holdings = holdingsOf(new Set(suspects.map(({ pid }) => pid)), table, owners);
    return suspects.flatMap((facts): Finding[] => {
      const holding = holdings.get(facts.pid);
      if (holding === undefined) return [];
      const zombies = lastingZombies(facts);
      const owner = ownerOf(facts.pid, holding.fds, owners, processes);
      return [
        {
          rule: 'zombie-children',
          severity: zombies.length >= CRITICAL ? 'critical' : 'warning',
          title: `${owner.command} (pid ${owner.pid}) has ${counted(zombies.length, 'child', 'children')} that ended and that it does not wait for`,
          why: `${whatItHolds(holding, table)}${seenText(facts, windowMs)}: the usual reason is a fork for each connection without wait; a zombie holds no descriptor, only its pid, and without a free pid every fork fails (EAGAIN)`,
          cause: null,
          sockets: zombies.length,
          oldest: null,
          owners: [owner],
          peers: [],
          growth: null,
          forecast: null,
          fix: FIX,
          rows: holding.rows,
        },
      ];
    });
  },
});

/** Those of both looks, where there were two: a child that has just ended is not a fault. */
function lastingZombies({ zombies, zombiesBefore }: ProcessFacts): readonly number[] {
  if (zombiesBefore === undefined) return zombies;
  const before = new Set(zombiesBefore);
  return zombies.filter((pid) => before.has(pid));
}

function leastOf({ zombiesBefore }: ProcessFacts): number {
  return zombiesBefore === undefined ? MANY_AT_ONE_LOOK : MANY;
}

function whatItHolds({ rows }: Holding, table: SocketTable): string {
  const listening = rows.filter((row) => kernelStateOf(table, row) === KERNEL_STATE.LISTEN).length;
  return listening > 0
    ? `it listens (${counted(listening, 'socket')})`
    : `it holds ${counted(rows.length, 'socket')}`;
}

function seenText(facts: ProcessFacts, windowMs: number): string {
  if (facts.zombiesBefore === undefined) return '';
  const later = facts.zombies.length - lastingZombies(facts).length;
  return `, and they were zombies ${inSeconds(windowMs)} ago already${later > 0 ? ` (${grouped(later)} more since)` : ''}`;
}

export const FIX: Fix = {
  summary: 'wait for every child, or tell the kernel that nobody will',
  steps: [
    {
      language: 'host',
      text: 'as pid 1 of a container, run it under an init: docker run --init, tini, dumb-init; the zombies go when the parent ends',
    },
    {
      language: 'Node',
      text: 'Node waits for its own children; zombies are those of other processes, or the event loop is blocked: keep it free',
    },
    {
      language: 'Python',
      text: 'signal.signal(signal.SIGCHLD, signal.SIG_IGN) where no exit status is needed, else os.waitpid(-1, os.WNOHANG) in a loop; subprocess: call wait() or communicate()',
    },
    {
      language: 'Go',
      text: 'cmd.Wait() after every cmd.Start(), in a goroutine of its own if need be',
    },
    {
      language: 'Java',
      text: 'Java waits for its own children; zombies are those of its children that ended first: run it under an init in containers',
    },
  ],
  docs: 'docs/zombie-children.md',
};
