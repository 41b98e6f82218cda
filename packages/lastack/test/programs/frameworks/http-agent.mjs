// Fault: an agent's answers are asked for their status, and nobody reads them. Arguments: UPSTREAM-PORT COUNT.
import http from 'node:http';

const [upstream, count] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });

const check = (path) =>
  new Promise((resolve) => {
    http.get({ host: '127.0.0.1', port: upstream, path, agent }, (answer) =>
      resolve(answer.statusCode),
    );
  });

for (let i = 0; i < count; i++) await check(`/service-${i}`);
console.log('ready');
// The service it belongs to.
setInterval(() => {}, 60_000);
