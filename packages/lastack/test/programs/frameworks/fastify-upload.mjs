// Fault: an upload is checked against another service, which never answers, before its body is read; no time-out is set.
// Arguments: PORT UPSTREAM-PORT.
import { createWriteStream } from 'node:fs';
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import Fastify from 'fastify';

const [port, upstream] = process.argv.slice(2).map(Number);

async function uploads(fastify) {
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.post('/upload', async (request, reply) => {
    if (await isAllowed(request.url)) await pipeline(request.body, createWriteStream('/dev/null'));
    return reply.code(204).send();
  });
}

function isAllowed(path) {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: upstream, path }, (answer) =>
      resolve(answer.resume().statusCode === 200),
    )
      .on('error', reject)
      .end();
  });
}

await Fastify().register(uploads).listen({ port, host: '0.0.0.0' });
console.log('ready', port);
