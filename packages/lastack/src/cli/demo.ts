import type { Command } from 'commander';
import { locateFindings } from '../locate/locate.ts';
import { examine, startDemoServer, visit, waitForLeak } from '../lab/demo.ts';
import { doctorLines } from '../render/doctor-text.ts';
import { coloured, plain } from '../render/style.ts';
import { print } from './output.ts';
import { terminalWidth, wantsColour } from './terminal.ts';

const LEAKING = `const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  kept.push(socket);
  socket.once('data', () => socket.write('welcome\\n'));
});`;
const FIX = "socket.on('end', () => socket.end());";

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('show a leak and its diagnosis on this machine, in 10 seconds')
    .action(demo);
}

async function demo(): Promise<void> {
  const paint = wantsColour() ? coloured : plain;
  const heading = (text: string) => print(`${paint('bold', text)}\n`);
  {
    heading('1. A server that reads once and never closes, and clients that come and go');
    await using server = await startDemoServer('leaking');
    const clients = await visit(server.port);
    print(`${indented(LEAKING)}\n`);
    print(
      `   pid ${server.pid}, port ${server.port}: ${clients} clients have hung up. Waiting 3 s, as a slow but\n   healthy server would have closed by then …\n\n`,
    );
    await waitForLeak(server.port);
    heading(`2. lastack doctor --pid ${server.pid}`);
    await showDiagnosis(server.pid);
  }
  {
    heading('3. The same server with one line more');
    await using server = await startDemoServer('fixed');
    await visit(server.port);
    print(`${indented(FIX)}\n\n`);
    heading(`4. lastack doctor --pid ${server.pid}`);
    await showDiagnosis(server.pid);
  }
  print(
    'Both servers have ended. Of their connections only TIME-WAITs are left, for a minute, as it should be.\n\n',
  );
  print(`Next, look at this host:  ${paint('bold', 'npx lastack')}\n`);
}

async function showDiagnosis(pid: number): Promise<void> {
  const { evidence, diagnosis } = await examine(pid);
  const whereabouts = await locateFindings(diagnosis, evidence, { attach: true });
  const paint = wantsColour() ? coloured : plain;
  const lines = doctorLines({ evidence, diagnosis, whereabouts }, paint, terminalWidth() - 3);
  print(`${indented(lines.join('\n'))}\n\n`);
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '   ');
}
