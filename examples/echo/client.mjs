// Sends what is typed, a line at a time, and shows the answers. An empty line, Ctrl-D or Ctrl-C quits; so does the server's end.
import { createInterface } from 'node:readline';
import { connect } from '@lastack/net';
import { linesOf } from './lines.mjs';
import { messageOf, readOptions, readPort } from './options.mjs';

const USAGE = 'usage: node client.mjs [--host H] [--port N]';

const { host = 'localhost', port = '7007' } = readOptions(USAGE, ['host', 'port']);
const server = { host, port: readPort(USAGE, port) };
const socket = await connect({ ...server, timeouts: { connect: 5000 } }).catch((error) => {
  console.error(messageOf(error));
  process.exit(1);
});

const isTerminal = process.stdin.isTTY;
const typed = createInterface({
  input: process.stdin,
  ...(isTerminal && { output: process.stdout }),
  prompt: '> ',
});
/** The user has had enough: then the end of the connection is no news. */
let isQuitting = false;

typed.on('SIGINT', quit);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, quit);
// When the connection is lost, the reading below says so.
sendTyped().catch(() => {});

try {
  for await (const line of linesOf(socket)) show(line);
  if (!isQuitting) endPrompt('the server closed the connection');
} catch (error) {
  endPrompt(messageOf(error));
  process.exitCode = 1;
} finally {
  typed.close();
  await socket.close({ deadline: 2000 });
  // A pipe that nobody closes must not keep us.
  process.stdin.destroy();
}

async function sendTyped() {
  if (isTerminal) typed.prompt();
  for await (const line of typed) {
    if (line === '') break;
    await socket.write(`${line}\n`);
  }
  quit();
}

/** Half-closes: the answers that are on their way still come, then the server's FIN. */
function quit() {
  if (isQuitting) return;
  isQuitting = true;
  typed.close();
  socket.endWrite().catch(() => {});
}

/** @param {string} line */
function show(line) {
  // Over the prompt and what is being typed, which are written anew below it.
  if (isTerminal) process.stdout.write('\r\u001B[K');
  console.log(line);
  if (isTerminal && !isQuitting) typed.prompt(true);
}

/** @param {string} why */
function endPrompt(why) {
  isQuitting = true;
  if (isTerminal) process.stdout.write('\n');
  console.error(why);
}
