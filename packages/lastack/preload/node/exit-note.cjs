'use strict';
/* oxlint-disable eslint/no-underscore-dangle -- net.Socket's own name for its handle */
// Says which of its own connections are open when the program ends by itself; those that it accepted are their clients'.
const { isMainThread } = require('node:worker_threads');
const { writeExitNote } = require('./slots.cjs');

/** fd → the socket that had it last. */
const sockets = new Map();
/** Those that ever listened. */
const servers = new Set();
let isExpected = false;

/** @param prepare called at the end, before anything is looked at */
function noteSocket(fd, socket, prepare) {
  sockets.set(fd, new WeakRef(socket));
  if (isExpected || !isMainThread) return;
  isExpected = true;
  process.on('exit', () => {
    try {
      prepare();
      noteOpenSockets();
    } catch {
      // The program ends as it would have.
    }
  });
}

/**
 * A socket that was unref'd may be left to the end: pools do that with idle ones. A program that still listens is a server:
 * it was ended, and has left nothing undone.
 */
function noteOpenSockets() {
  if ([...servers].some((server) => server.deref()?.listening === true)) return;
  const open = [...sockets]
    .map(([fd, socket]) => [fd, socket.deref()])
    .filter(([fd, socket]) => socket?._handle?.fd === fd && socket._handle.hasRef())
    .map(([fd, { remoteAddress, remotePort }]) => ({ fd, remoteAddress, remotePort }));
  if (open.length > 0) writeExitNote(open);
}

module.exports = { noteSocket, servers };
