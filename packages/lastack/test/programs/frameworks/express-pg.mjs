// Fault: a client of the database for each request, which nobody ends. Arguments: PORT UPSTREAM-PORT.
import express from 'express';
import pg from 'pg';

const [port, upstream] = process.argv.slice(2).map(Number);
const app = express();

async function query(text, values) {
  const client = new pg.Client({ host: '127.0.0.1', port: upstream, user: 'app' });
  client.on('error', (error) => console.error(error.message));
  await client.connect();
  return client.query(text, values);
}

app.get('/status/:name', async (req, res) => {
  const { rows } = await query(`select state from service where name = '${req.params.name}'`);
  res.json(rows);
});

app.listen(port, () => console.log('ready', port));
