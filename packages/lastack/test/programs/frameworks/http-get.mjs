// Fault: http.get() for the status alone; nobody reads the answer. Arguments: UPSTREAM-PORT COUNT.
import { get } from 'node:http';

const [upstream, count] = process.argv.slice(2).map(Number);

function check(path) {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port: upstream, path }, (answer) =>
      resolve(answer.statusCode),
    );
    request.on('error', (error) => reject(error));
  });
}

for (let i = 0; i < count; i++) await check(`/service-${i}`);
console.log('ready');
// The service it belongs to.
setInterval(() => {}, 60_000);
