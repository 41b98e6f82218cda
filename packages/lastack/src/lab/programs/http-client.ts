// A client that asks with a limit on every phase. Arguments: PORT TIMEOUTS (as JSON, milliseconds)
import { request } from '@lastack/net';

const [port, timeouts] = process.argv.slice(2);

async function ask(): Promise<string> {
  try {
    const response = await request(`http://127.0.0.1:${port}/`, {
      timeouts: JSON.parse(timeouts) as Record<string, number>,
    });
    return `answered ${(await response.text()).length} bytes`;
  } catch (error) {
    return error instanceof Error ? `error ${error.name}` : String(error);
  }
}

async function main(): Promise<void> {
  console.log(await ask());
  console.log('ready');
  setInterval(() => {}, 60_000);
}

void main();
