import type { ProcessFacts } from '@lastack/core';

/**
 * How to get the line with the language's own tool, as a command for this process; null where nothing is known of the
 * program. Tools that pause the program say so.
 * @param attached whether Node's inspector was used already
 */
export function nativeTool(
  { pid, runtime, command }: ProcessFacts,
  attached = false,
): string | null {
  switch (runtime) {
    case 'python':
      return `py-spy dump --pid ${pid} shows the lines that its threads are at`;
    case 'node':
      return attached
        ? 'lastack run -- COMMAND knows the lines that make sockets from the start'
        : `lastack doctor --pid ${pid} --attach shows the lines, through Node's inspector; lastack run -- COMMAND knows them from the start`;
    case 'java':
      return `jcmd ${pid} Thread.print shows the lines that its threads are at`;
    case 'go':
      return `with net/http/pprof in the program, curl 'http://127.0.0.1:PORT/debug/pprof/goroutine?debug=2' shows the lines, PORT being where it serves; without, dlv attach ${pid} does (it pauses the program), and kill -QUIT ${pid} (it ends the program)`;
    case 'other':
      break;
    default:
      return runtime satisfies never;
  }
  if (/^(ruby|bundle|rails|rake|puma|unicorn|sidekiq)/.test(command)) {
    return `rbspy snapshot --pid ${pid} shows the lines that its threads are at`;
  }
  if (command.startsWith('php')) return `phpspy -p ${pid} shows the lines that it is at`;
  return `eu-stack -s -p ${pid} shows the lines that its threads are at, where it was built with -g (it pauses the program for a moment)`;
}
