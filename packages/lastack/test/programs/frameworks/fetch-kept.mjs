// Fault: answers of fetch() are kept, and their bodies not read. Arguments: UPSTREAM-PORT COUNT.
const [upstream, count] = process.argv.slice(2).map(Number);
const answers = [];

async function check(name) {
  const answer = await fetch(`http://127.0.0.1:${upstream}/${name}`);
  answers.push({ name, answer });
  return answer.ok;
}

for (let i = 0; i < count; i++) await check(`service-${i}`);
console.log('ready');
// The service it belongs to.
setInterval(() => {}, 60_000);
