// The server of exception-before-close.mjs, with `await using`: however the handler is left, the connection is closed.
import { listen, type SafeSocket } from '@lastack/net';

async function main(port: number): Promise<void> {
  const listener = await listen({ port, host: '127.0.0.1' });
  console.log('ready');
  for await (const socket of listener) {
    void serve(socket).catch(() => {});
  }
}

async function serve(connection: SafeSocket): Promise<void> {
  await using socket = connection;
  const request = await socket.read();
  const { name } = JSON.parse(String(request)) as { name: string };
  await socket.write(`hello ${name}\n`);
}

void main(Number(process.argv[2]));
