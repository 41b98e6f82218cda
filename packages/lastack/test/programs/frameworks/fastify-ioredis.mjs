// Fault: a client of Redis for each request, kept and never disconnected. Arguments: PORT UPSTREAM-PORT.
import Fastify from 'fastify';
import { Redis } from 'ioredis';

const [port, upstream] = process.argv.slice(2).map(Number);
const fastify = Fastify();
const clients = new Map();

function connect(name) {
  const redis = new Redis({ host: '127.0.0.1', port: upstream, retryStrategy: null });
  clients.set(name, redis);
  return redis;
}

fastify.get('/status/:name', async (request) => {
  const { name } = request.params;
  return { state: await connect(name).get(`state:${name}`) };
});

await fastify.listen({ port, host: '0.0.0.0' });
console.log('ready', port);
