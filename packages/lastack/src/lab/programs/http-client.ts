// A client that asks with a limit on every phase. Arguments: PORT TIMEOUTS (as JSON, milliseconds)
import { request } from '@lastack/net';

const [port, timeouts] = process.argv.slice(2);

async function ask(): Promise<string> {
  const response = await request(`http://127.0.0.1:${port}/`, {
    timeouts: JSON.parse(timeouts) as Record<string, number>,
  });
  const text = await response.text();
  return `answered ${text.length} bytes`;
}

void ask()
  .catch((error: unknown) => (error instanceof Error ? `error ${error.name}` : String(error)))
  .then((line) => {
    console.log(line);
    console.log('ready');
    setInterval(() => {}, 60_000);
  });
