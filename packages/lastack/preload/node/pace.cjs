'use strict';
/* oxlint-disable eslint/no-underscore-dangle -- net.Socket's own name for its handle */
// When a socket is recorded: at once, so that it can be read even if the program never comes back from what it does next.
// But of more than 5 in 20 ms, the rest 20 ms later, and only those that are still open.
const { noteSocket } = require('./exit-note.cjs');
const { textOf } = require('./origin.cjs');
const { writeRecord } = require('./slots.cjs');

const WINDOW_MS = 20;
const AT_ONCE = 5;

// As they are before a test replaces them.
const { setTimeout } = globalThis;
const { now } = Date;

let windowBegan = 0;
let inWindow = 0;
/** fd → what waits to be recorded. The next socket of a descriptor takes the place of the last, and lets it be collected. */
const waiting = new Map();
/** Sockets without a descriptor yet, and their origins. */
let connecting = [];
let isTimed = false;

/** Whether more sockets are made than can be recorded at once. */
function isBusy() {
  return waiting.size > 0;
}

/**
 * @param socket a net.Socket with a handle
 * @param kind `connect` or `accept`
 */
function record(socket, kind, origin) {
  const handle = socket._handle;
  const fd = handle?.fd;
  if (!(fd >= 0)) return;
  const time = now();
  if (time - windowBegan >= WINDOW_MS || time < windowBegan) {
    windowBegan = time;
    inWindow = 0;
  }
  if (++inWindow <= AT_ONCE) {
    write(fd, { socket, handle, kind, origin });
    return;
  }
  waiting.set(fd, { socket, handle, kind, origin });
  comeBack();
}

/** Records a socket as soon as it has a descriptor: while its address is looked for, it has none. */
function recordConnecting(socket, origin) {
  if (socket._handle?.fd >= 0) {
    record(socket, 'connect', origin);
    return;
  }
  const attempt = { socket, origin };
  // Before the program's own listeners, which may never return.
  socket.prependOnceListener('connect', () => {
    try {
      record(socket, 'connect', attempt.origin);
    } catch {
      // What cannot be recorded is not the program's concern.
    }
  });
  connecting.push(attempt);
  comeBack();
}

function comeBack() {
  if (isTimed) return;
  isTimed = true;
  setTimeout(writeWaiting, WINDOW_MS).unref();
}

function writeWaiting() {
  isTimed = false;
  const attempts = connecting;
  connecting = [];
  for (const attempt of attempts) quietly(settle, attempt);
  const batch = [...waiting];
  waiting.clear();
  for (const [fd, each] of batch) {
    // A socket that was closed has no handle, or another one.
    if (each.socket._handle === each.handle) quietly(() => write(fd, each));
  }
}

/** A socket that tries again when it fails would hold the one before it by its stack, and so all of them. */
function settle(attempt) {
  if (attempt.socket.connecting) textOf(attempt.origin);
  else attempt.origin = null;
}

/** One that cannot be recorded must not cost the others. */
function quietly(action, ...args) {
  try {
    action(...args);
  } catch {
    // As if it had not been seen.
  }
}

function write(fd, { socket, kind, origin }) {
  writeRecord(fd, kind, textOf(origin));
  if (kind === 'connect') noteSocket(fd, socket, writeWaiting);
}

module.exports = { isBusy, record, recordConnecting };
