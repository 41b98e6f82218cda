// One server of each kind, each with a client that stays: everything has to be gone for the process to end by itself.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { gracefulServer } from '../../../dist/index.mjs';

const credentials = JSON.parse(process.env.CREDENTIALS);
const answer = (_request, response) => response.end('ok');
const echo = (socket) => socket.pipe(socket);
const servers = {
  http: http.createServer(answer),
  https: https.createServer(credentials, answer),
  h2c: http2.createServer(answer),
  h2: http2.createSecureServer({ ...credentials, allowHTTP1: true }, answer),
  net: net.createServer(echo),
  tls: tls.createServer(credentials, echo),
};
const ports = {};
for (const [kind, server] of Object.entries(servers)) {
  gracefulServer(server, {
    signals: ['SIGTERM', 'SIGINT'],
    idleGrace: 1,
    onUpgraded: (socket) => socket.end(),
    onShutdown: (report) => process.send?.({ kind, report }),
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ports[kind] = server.address().port;
}
process.send({ ports });
// The channel to the parent is a handle, too.
if (process.env.STAYS) process.channel.ref();
else process.channel.unref();
