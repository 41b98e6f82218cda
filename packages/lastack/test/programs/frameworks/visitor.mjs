// A client that gets some paths, one after the other. Arguments: PORT PATH...
const [port, ...paths] = process.argv.slice(2);
for (const path of paths) await (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
console.log('ready');
