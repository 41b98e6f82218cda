let letGo;
const go = new Promise((resolve) => {
  letGo = resolve;
});

process.once('message', () => {
  letGo();
  process.channel.unref();
});

/** Tells the parent that a request is here, and waits for its leave to answer. */
export async function held() {
  process.send({ held: true });
  await go;
}
