// Fault: before it reads an upload, the handler asks another service, which never answers, and it has set no time-out.
// Arguments: PORT UPSTREAM-PORT.
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import express from 'express';

const [port, upstream] = process.argv.slice(2).map(Number);
const app = express();

function isAllowed(path) {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: upstream, path }, (answer) =>
      resolve(answer.resume().statusCode === 200),
    )
      .on('error', reject)
      .end();
  });
}

async function upload(req, res) {
  if (await isAllowed(req.path)) await pipeline(req, createWriteStream('/dev/null'));
  res.sendStatus(204);
}

app.post('/upload', upload);
app.listen(port, () => console.log('ready', port));
