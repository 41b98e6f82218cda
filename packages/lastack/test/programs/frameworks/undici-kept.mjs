// Fault: answers of undici's request() are kept, and their bodies not read. Arguments: UPSTREAM-PORT COUNT.
import { request } from 'undici';

const [upstream, count] = process.argv.slice(2).map(Number);
const answers = new Map();

async function check(name) {
  const answer = await request(`http://127.0.0.1:${upstream}/${name}`);
  answers.set(name, answer);
  return answer.statusCode;
}

for (let i = 0; i < count; i++) await check(`service-${i}`);
console.log('ready');
// The service it belongs to.
setInterval(() => {}, 60_000);
