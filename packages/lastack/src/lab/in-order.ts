/** Runs a task for each item, `jobs` at a time, and gives the results in the order of the items. */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  jobs: number,
  run: (item: Item) => Promise<Result>,
): AsyncGenerator<readonly [Item, Result]> {
  const settle: ((result: Promise<Result>) => void)[] = [];
  const results = items.map((_, at) => new Promise<Result>((resolve) => (settle[at] = resolve)));
  // One that fails before its turn is no unhandled rejection.
  for (const result of results) result.catch(() => {});
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      const result = run(items[at]);
      settle[at](result);
      await result.catch(() => {});
    }
  };
  for (let job = 0; job < jobs; job++) void work();
  for (const [at, item] of items.entries()) yield [item, await results[at]];
}
