// The Fastify recipe of docs/graceful-shutdown.md, with an answer that is held until the parent lets it go.
import fastify from 'fastify';
import { gracefulServer } from '../../../dist/index.mjs';
import { held } from './held.mjs';

const app = fastify({ bodyLimit: 1000 });
app.get('/', () => 'ok');
app.get('/held', async () => {
  await held();
  return 'ok';
});
app.post('/', () => 'ok');
app.addHook('onClose', () => process.send({ isClosed: true }));

gracefulServer(app.server, {
  signals: ['SIGTERM'],
  idleGrace: 60_000,
  async onShutdown(report) {
    process.send({ report });
    await app.close();
  },
});
await app.listen({ port: 0, host: '127.0.0.1' });
process.send({ port: app.server.address().port });
