// The process in which a scenario runs, in a network namespace of its own where that is allowed: it starts the programs,
// watches them, and writes what it came to as JSON. It ends with its standard input.
import { once } from 'node:events';
import { scenarioOf } from './scenarios/all.ts';
import { runScenario } from './run-scenario.ts';

async function main([id, network, keep]: readonly string[]): Promise<void> {
  const scenario = scenarioOf(id);
  if (scenario === null) throw new Error(`There is no scenario ${id}`);
  const gone = once(process.stdin.resume(), 'end');
  using running = await runScenario(scenario, network === 'namespace' ? 'namespace' : 'host');
  process.stdout.write(`${JSON.stringify(running.result)}\n`);
  if (keep === 'keep') await gone;
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(2);
  },
);
