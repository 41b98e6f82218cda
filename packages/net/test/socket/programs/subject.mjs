// The end whose close() is looked at. Writes `payload` bytes, closes on "close", and stays until its input ends.
import { readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';

const { library, role, host, keys, payload, deadline } = JSON.parse(process.argv[2]);
const { connect, listen } = await import(library);
const PORT = 7000;

const socketsOpen = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      // Standard streams are the test's own.
      return Number(fd) > 2 && readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
const say = (line) => console.log(JSON.stringify(line));
process.on('unhandledRejection', (reason) => say({ unhandled: String(reason) }));

const listener =
  role === 'server' ? await listen({ port: PORT, ...(keys ? { tls: keys } : {}) }) : null;
if (listener) say({ listening: true });
const tls = keys ? { tls: { rejectUnauthorized: false } } : {};
const socket = listener ? await listener.accept() : await connect({ host, port: PORT, ...tls });
if (listener) listener.raw.close();
const writing = socket.write(Buffer.alloc(payload, 'p')).then(
  () => 'written',
  (error) => error.name,
);
say({ connected: true });
for await (const command of createInterface(process.stdin)) {
  if (command === 'close') {
    const report = await socket.close({ deadline, idle: deadline });
    say({
      report,
      write: await writing,
      sockets: socketsOpen(),
      timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    });
  }
}
