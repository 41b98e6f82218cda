// Fault: a client looks at the status of each answer and leaves the body unread; what does not fit Node's buffers stays in the
// kernel, with the end behind it, and the agent never gets its connections back.
// The doctor says: close-wait-leak, not-reading.
import { Agent, get } from 'node:http';

const [host, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const isHealthy = process.argv.includes('--healthy');
const agent = new Agent({ keepAlive: true, keepAliveMsecs: 60_000 });
const statuses = [];

function check() {
  get({ host, port, agent }, (response) => {
    if (isHealthy) response.resume();
    statuses.push(response.statusCode);
    if (statuses.length === count) console.log('ready', statuses.join());
  }).on('error', (error) => console.error(error.message));
}

for (let i = 0; i < count; i++) check();
// The service it belongs to.
setInterval(() => {}, 60_000);
