// Fault: the responses are neither read nor destroyed, so their sockets see no end: one for each request.
const http = require('node:http');
const { startServer, linger } = require('./large-answer.cjs');

const agent = new http.Agent({ keepAlive: true });
const responses = [];

function download(port) {
  http.get({ host: '127.0.0.1', port, agent }, (response) => responses.push(response)); // made here
}

startServer((port) => {
  for (let i = 0; i < 3; i++) download(port);
  linger();
});
