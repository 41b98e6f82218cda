'use strict';
/* oxlint-disable eslint/no-underscore-dangle -- net.Socket's own name for its handle */
// When a socket is recorded: at once, so that it can be read even if the program never comes back from what it does next.
// But of more than 5 in 20 ms, the rest 20 ms later, and only those that are still open.
const { noteSocket } = require('./exit-note.cjs');
const { writeRecord } = require('./slots.cjs');

const WINDOW_MS = 20;
const AT_ONCE = 5;

// As they are before a test replaces them.
const { setTimeout } = globalThis;
const { now } = Date;

let windowBegan = 0;
let inWindow = 0;
let waiting = [];

/**
 * @param socket a net.Socket with a handle
 * @param kind `connect` or `accept`
 */
function record(socket, kind, origin) {
  const handle = socket._handle;
  if (!(handle?.fd >= 0)) return;
  const time = now();
  if (time - windowBegan >= WINDOW_MS || time < windowBegan) {
    windowBegan = time;
    inWindow = 0;
  }
  if (++inWindow <= AT_ONCE) {
    write(socket, handle, kind, origin);
    return;
  }
  if (waiting.length === 0) setTimeout(writeWaiting, WINDOW_MS).unref();
  waiting.push(socket, handle, kind, origin);
}

function writeWaiting() {
  const batch = waiting;
  waiting = [];
  for (let at = 0; at < batch.length; at += 4) {
    // A socket that was closed has no handle, or another one.
    if (batch[at]._handle !== batch[at + 1]) continue;
    try {
      write(batch[at], batch[at + 1], batch[at + 2], batch[at + 3]);
    } catch {
      // One that cannot be recorded must not cost the others.
    }
  }
}

function write(socket, handle, kind, origin) {
  writeRecord(handle.fd, kind, origin);
  if (kind === 'connect') noteSocket(handle.fd, socket, writeWaiting);
}

module.exports = { record };
