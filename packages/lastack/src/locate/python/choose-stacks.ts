import type { StacksSample, ThreadStack } from './thread-stacks.ts';

/**
 * One stack a thread out of several samples: the complete one that most samples agree on, the latest of those that differ;
 * where none is complete, the longest. A thread that the last sample no longer has, ended.
 */
export function chooseStacks(samples: readonly StacksSample[]): StacksSample {
  const last = samples.at(-1);
  if (last === undefined) return { stacks: [], complete: false };
  const complete = samples.findLast((sample) => sample.complete);
  const threads = complete ?? samples.toSorted((a, b) => a.stacks.length - b.stacks.length).at(-1);
  const stacks = (threads ?? last).stacks.map(({ address }) =>
    choose(samples.flatMap(({ stacks }) => stacks.filter((each) => each.address === address))),
  );
  return { stacks, complete: complete !== undefined };
}

/** Whether the last two samples are complete and agree: a third could not change what is chosen. */
export function isSettled(samples: readonly StacksSample[]): boolean {
  const [one, two] = samples.slice(-2);
  if (one === undefined || two === undefined || !one.complete || !two.complete) return false;
  return (
    one.stacks.length === two.stacks.length &&
    one.stacks.every((stack, index) => {
      const other = two.stacks[index];
      return (
        stack.complete &&
        other.complete &&
        stack.address === other.address &&
        keyOf(stack) === keyOf(other)
      );
    })
  );
}

function choose(candidates: readonly ThreadStack[]): ThreadStack {
  const complete = candidates.filter((stack) => stack.complete);
  if (complete.length === 0) {
    return candidates.reduce((a, b) => (b.frames.length > a.frames.length ? b : a));
  }
  const votes = new Map<string, number>();
  for (const stack of complete) votes.set(keyOf(stack), (votes.get(keyOf(stack)) ?? 0) + 1);
  const most = Math.max(...votes.values());
  return complete.findLast((stack) => votes.get(keyOf(stack)) === most) ?? complete[0];
}

function keyOf({ frames }: ThreadStack): string {
  return frames.map(({ codeAddress, line }) => `${codeAddress}:${line}`).join(' ');
}
