'use strict';
/* oxlint-disable eslint/no-underscore-dangle -- net.Socket's own name for its handle */
// Records where each TCP socket of this program is made. Nothing is thrown, printed or kept alive here; sockets are only
// looked at. A server's connections are made where it began to listen; a fetch's where fetch was called; those that a package
// makes in the next tick where the package was called.
const net = require('node:net');
const { captureOrigin, textOf } = require('./origin.cjs');
const { isBusy, record, recordConnecting } = require('./pace.cjs');
const { servers } = require('./exit-note.cjs');
const { scheduler } = require('./ticks.cjs');
const { quietly, wrap } = require('./wrap.cjs');

const { apply } = Reflect;

/** Server → the origin of its connections. */
const listens = new WeakMap();

/** The origin of the fetch that is going on; made only for those that need it, since it slows every promise down. */
let fetches = null;

/* oxlint-disable eslint/prefer-rest-params -- an array for each call costs more than all else here */
wrap(net.Socket.prototype, 'connect', (original) => {
  return function connect() {
    const origin = quietly(() => captureOrigin(isBusy(), fetches?.getStore() ?? scheduler()));
    const result = apply(original, this, arguments);
    if (origin !== undefined) quietly(() => recordConnecting(this, origin));
    return result;
  };
});

wrap(net.Server.prototype, 'listen', (original) => {
  return function listen() {
    quietly(() => {
      const origin = captureOrigin(false, undefined);
      textOf(origin);
      listens.set(this, origin);
      servers.add(new WeakRef(this));
    });
    return apply(original, this, arguments);
  };
});

// The diagnostics channel net.server.socket speaks only after the program's own listeners.
wrap(net.Server.prototype, 'emit', (original) => {
  return function emit(event, socket) {
    if (event === 'connection') quietly(() => recordAccepted(this, socket));
    return apply(original, this, arguments);
  };
});
/* oxlint-enable eslint/prefer-rest-params */

function recordAccepted(server, socket) {
  const origin = listens.get(server);
  if (origin !== undefined && socket?._handle) record(socket, 'accept', origin);
}

if (typeof globalThis.fetch === 'function') {
  wrap(globalThis, 'fetch', (original) => {
    return function fetch(...args) {
      const call = () => apply(original, this, args);
      // Without a body it connects before it returns: its caller is on the stack.
      if (!args.some((arg) => quietly(() => arg.body) != null)) return call();
      const origin = quietly(() => {
        fetches ??= new (require('node:async_hooks').AsyncLocalStorage)();
        return captureOrigin(false, undefined);
      });
      return origin === undefined ? call() : fetches.run(origin, call);
    };
  });
}
