// Fault: fetch() for the beginning of a body; its reader is left, so that nobody reads the rest, or cancels it.
// Arguments: UPSTREAM-PORT COUNT.
const [upstream, count] = process.argv.slice(2).map(Number);

async function beginningOf(name) {
  const { body } = await fetch(`http://127.0.0.1:${upstream}/${name}`);
  const { value } = await body.getReader().read();
  return value;
}

for (let i = 0; i < count; i++) await beginningOf(`service-${i}`);
console.log('ready');
// The service it belongs to.
setInterval(() => {}, 60_000);
