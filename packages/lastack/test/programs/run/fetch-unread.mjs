// Fault: fetch() without reading the body, which keeps the connection.
import { linger, startServer } from './large-answer.cjs';

const responses = [];

async function check(port, options) {
  const response = await fetch(`http://127.0.0.1:${port}/`, options); // made here
  responses.push(response);
}

startServer(async (port) => {
  await check(port);
  await check(port, { method: 'POST', body: 'status' });
  linger();
});
