// Fault: a pool's answers are asked for their status, and their bodies not read. Arguments: UPSTREAM-PORT COUNT.
import { Pool } from 'undici';

const [upstream, count] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${upstream}`);

async function check(path) {
  const { statusCode } = await pool.request({ path, method: 'GET' });
  return statusCode;
}

for (let i = 0; i < count; i++) await check(`/service-${i}`);
console.log('ready');
// The service it belongs to.
setInterval(() => {}, 60_000);
