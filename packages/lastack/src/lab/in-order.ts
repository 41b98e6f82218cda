/** Runs a task for each item, `jobs` at a time, and gives the results in the order of the items. */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  jobs: number,
  run: (item: Item) => Promise<Result>,
): AsyncGenerator<readonly [Item, Result]> {
  const results: Promise<Result>[] = [];
  const running = new Set<Promise<unknown>>();
  const start = () => {
    const result = run(items[results.length]);
    results.push(result);
    const ended: Promise<unknown> = result.then(
      () => running.delete(ended),
      () => running.delete(ended),
    );
    running.add(ended);
  };
  for (const [at, item] of items.entries()) {
    while (results.length <= at || (results.length < items.length && running.size < jobs)) {
      if (running.size >= jobs) await Promise.race(running);
      else start();
    }
    yield [item, await results[at]];
  }
}
