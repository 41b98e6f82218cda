'use strict';
// How functions of Node are replaced by ones that look the same.

/** Runs an action of ours, whose failure must not be the program's. */
function quietly(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
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

module.exports = { quietly, wrap };
