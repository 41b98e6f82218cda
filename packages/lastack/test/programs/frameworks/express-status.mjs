// Fault: each request asks another service, keeps its answer for later, and never reads it. Arguments: PORT UPSTREAM-PORT.
import express from 'express';

const [port, upstream] = process.argv.slice(2).map(Number);
const UPSTREAM = `http://127.0.0.1:${upstream}`;
const app = express();
const answers = new Map();

app.get('/status/:name', async (req, res) => {
  const { name } = req.params;
  if (!answers.has(name)) answers.set(name, await fetch(`${UPSTREAM}/${name}`));
  res.sendStatus(answers.get(name).status);
});

app.listen(port, () => console.log('ready', port));
