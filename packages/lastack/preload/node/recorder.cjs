'use strict';
/* oxlint-disable eslint/no-underscore-dangle -- net.Socket's own name for its handle */
// Records where each TCP socket of this program is made. Nothing is thrown, printed or kept alive here; sockets are only
// looked at. A server's connections are made where it began to listen; a fetch's where fetch was called.
const net = require('node:net');
const { captureOrigin } = require('./origin.cjs');
const { record } = require('./pace.cjs');
const { servers } = require('./exit-note.cjs');

function same(object) {
  return object;
}

/** Keeps something about an object without a trace on it: a WeakMap of as many costs the collector ten times as much. */
class Origins extends same {
  #origin = undefined;
  static get(object) {
    return #origin in object ? object.#origin : undefined;
  }
  static set(object, origin) {
    if (!(#origin in object)) Reflect.construct(Origins, [object]);
    object.#origin = origin;
  }
}

/** The origin of the fetch that is going on; made only for those that need it, since it slows every promise down. */
let fetches = null;

/** Runs an action of ours, whose failure must not be the program's. */
function quietly(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** When connect() returns, the socket has its descriptor, unless the address is still looked for. */
function recordConnecting(socket, origin) {
  if (socket._handle?.fd >= 0) {
    record(socket, 'connect', origin);
    return;
  }
  Origins.set(socket, origin);
  // Before the program's own listeners, which may never return.
  socket.prependOnceListener('connect', recordConnected);
}

function recordConnected() {
  quietly(() => record(this, 'connect', Origins.get(this)));
}

function wrap(object, name, make) {
  const original = object[name];
  const own = Object.getOwnPropertyDescriptor(object, name);
  const value = make(original);
  Object.defineProperty(value, 'name', { value: original.name, configurable: true });
  Object.defineProperty(value, 'length', { value: original.length, configurable: true });
  Object.defineProperty(object, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: own?.enumerable ?? false,
  });
}

wrap(net.Socket.prototype, 'connect', (original) => {
  return function connect(...args) {
    const origin = quietly(() => captureOrigin(connect, fetches?.getStore()));
    const result = Reflect.apply(original, this, args);
    quietly(() => {
      if (origin !== undefined) recordConnecting(this, origin);
    });
    return result;
  };
});

wrap(net.Server.prototype, 'listen', (original) => {
  return function listen(...args) {
    quietly(() => {
      Origins.set(this, captureOrigin(listen, undefined));
      servers.add(new WeakRef(this));
    });
    return Reflect.apply(original, this, args);
  };
});

// The diagnostics channel net.server.socket speaks only after the program's own listeners.
wrap(net.Server.prototype, 'emit', (original) => {
  return function emit(...args) {
    if (args[0] === 'connection') {
      quietly(() => {
        const origin = Origins.get(this);
        if (origin !== undefined && args[1]?._handle) record(args[1], 'accept', origin);
      });
    }
    return Reflect.apply(original, this, args);
  };
});

if (typeof globalThis.fetch === 'function') {
  wrap(globalThis, 'fetch', (original) => {
    return function fetch(...args) {
      const call = () => Reflect.apply(original, this, args);
      // Without a body it connects before it returns: its caller is on the stack.
      if (!args.some((arg) => quietly(() => arg.body) != null)) return call();
      const origin = quietly(() => {
        fetches ??= new (require('node:async_hooks').AsyncLocalStorage)();
        return captureOrigin(fetch, undefined);
      });
      return origin === undefined ? call() : fetches.run(origin, call);
    };
  });
}
