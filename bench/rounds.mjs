import { BUILT } from './build.mjs';
import { measure, startLoad, startLoop } from './children.mjs';
import { CONTENDERS, LOADS } from './contenders.mjs';

const DUMPS_AT_MOST = 25;
/** What a dump asks for in hexadecimal, the same of both: all that ss asks for, which is all but what is bound only. */
const STATES = 'fff';

/**
 * Makes a load and runs its contenders side by side: A B C A B C …, so that what disturbs the machine disturbs all. The first
 * round is not counted.
 * @param say called with a line of progress
 */
export async function runLoad(name, options, say) {
  const { sockets, quick, rounds } = options;
  const plan = LOADS[name];
  const load = await startLoad(plan.parts(sockets));
  try {
    const counted = plan.rounds({ quick, rounds });
    say(`${name}: ${load.made} sockets, ${counted} rounds`);
    const samples = await runRounds(load.netns, plan.contenders, counted, options.slowRounds);
    if (plan.inProcess) await compareDumps(load.netns, quick ? 9 : DUMPS_AT_MOST, samples);
    return { name, made: load.made, owned: await countOwned(load.netns), samples };
  } finally {
    await load.end();
  }
}

async function runRounds(netns, contenders, counted, slowRounds) {
  const samples = new Map();
  for (let round = 0; round <= counted; round++) {
    for (const contender of contenders) {
      const { slow = false } = CONTENDERS[contender];
      // What takes seconds needs no warm-up.
      if (slow && (round === 0 || round > slowRounds)) continue;
      const sample = await measure(netns, CONTENDERS[contender]);
      if (round > 0) add(samples, contender, sample);
    }
  }
  return samples;
}

/** The dump alone, in processes that are warm, in turns. */
async function compareDumps(netns, rounds, samples) {
  const floor = startLoop(netns, [BUILT.floor, STATES]);
  const loop = startLoop(netns, [process.execPath, BUILT.dumpLoop, STATES]);
  try {
    for (let round = -Math.ceil(rounds / 3); round < rounds; round++) {
      const turns = [
        ['C floor', await floor.ask('dump')],
        ['dump in process', await loop.ask('dump')],
        ['read in process', await loop.ask('read')],
      ];
      if (round < 0) continue;
      for (const [name, { ms, rows }] of turns) add(samples, name, { ms, lines: rows });
    }
  } finally {
    await Promise.all([floor.end(), loop.end()]);
  }
}

/** The TCP descriptors of the whole host: BPF passes over those of other namespaces, too. */
async function countOwned(netns) {
  const loop = startLoop(netns, [process.execPath, BUILT.dumpLoop, STATES]);
  try {
    const { rows } = await loop.ask('owners');
    return rows;
  } finally {
    await loop.end();
  }
}

function add(samples, name, sample) {
  const list = samples.get(name);
  if (list === undefined) samples.set(name, [sample]);
  else list.push(sample);
}
