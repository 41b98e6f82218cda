import { until } from './condition.ts';
import type { SocketLocation } from '../../src/locate/locator.ts';
import { locatePython } from '../../src/locate/python/locate-python.ts';
import type { PythonProgram } from '../../src/locate/python/testing/python-program.ts';

/** What is said of descriptors of a program. */
export async function locateHolders(
  { pid }: PythonProgram,
  fds: readonly number[],
): Promise<SocketLocation[]> {
  const located = await locatePython({ pid, fds });
  if (located.kind !== 'ok') throw new Error(`${located.reason}: ${located.remedy}`);
  return [...located.value.locations];
}

/** Who holds the descriptors of `ready …`, as `name function:mark`, once the program has come to a rest. */
export async function untilHeld(
  program: PythonProgram,
  expected: readonly string[],
  marks: readonly string[],
): Promise<string[]> {
  let last: string[] = [];
  const markOf = (line: number) => marks.find((mark) => program.line(mark) === line) ?? `${line}`;
  await until(
    async () => {
      const locations = await locateHolders(program, program.words);
      last = locations
        .filter(({ role, file }) => role === 'held' && file === program.file)
        .map((each) => `${each.name} in ${each.function}: ${markOf(each.line)}`);
      return expected.every((line) => last.includes(line));
    },
    () => `${expected.join(', ')}; there is ${last.join(', ')}`,
  );
  return last;
}
