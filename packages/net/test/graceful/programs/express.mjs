// The Express recipe of docs/graceful-shutdown.md, with an answer that is held until the parent lets it go.
import express from 'express';
import { gracefulServer } from '../../../dist/index.mjs';
import { held } from './held.mjs';

const app = express();
app.get('/', (_request, response) => response.send('ok'));
app.get('/held', async (_request, response) => {
  await held();
  response.send('ok');
});

const server = app.listen(0, '127.0.0.1', () => {
  process.send({ port: server.address().port });
});
gracefulServer(server, {
  signals: ['SIGTERM'],
  idleGrace: 60_000,
  onShutdown: (report) => process.send({ report }),
});
