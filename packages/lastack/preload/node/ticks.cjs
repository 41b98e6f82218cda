'use strict';
// A package may connect in the next tick, when its caller is not on the stack any more: ioredis does. So the origin of what
// packages schedule is kept until it has run. Most ticks are Node's own: those cost a look into a WeakSet.
const { callerIsPackage, captureOrigin } = require('./origin.cjs');
const { quietly, wrap } = require('./wrap.cjs');

const { apply } = Reflect;
const { now } = Date;

const WINDOW_MS = 20;
/** Each costs some 20 microseconds; what a program schedules beyond them goes without. */
const MOST_IN_WINDOW = 20;

/** Functions that were scheduled by others than packages, and will be again. */
const others = new WeakSet();
let windowBegan = 0;
let inWindow = 0;
/** The origin of what runs now; undefined outside of what packages have scheduled. */
let current;

function originOf(callback) {
  if (typeof callback !== 'function' || others.has(callback) || isTooMuch()) return undefined;
  if (callerIsPackage()) return captureOrigin(false, current);
  others.add(callback);
  return undefined;
}

function isTooMuch() {
  const time = now();
  if (time - windowBegan >= WINDOW_MS || time < windowBegan) {
    windowBegan = time;
    inWindow = 0;
  }
  return ++inWindow > MOST_IN_WINDOW;
}

/* oxlint-disable eslint/prefer-rest-params -- an array for each call costs more than all else here */
wrap(process, 'nextTick', (original) => {
  return function nextTick(callback) {
    const origin = quietly(() => originOf(callback));
    if (origin === undefined) return apply(original, this, arguments);
    const args = [...arguments];
    args[0] = function run() {
      const before = current;
      current = origin;
      try {
        return apply(callback, this, arguments);
      } finally {
        current = before;
      }
    };
    return apply(original, this, args);
  };
});
/* oxlint-enable eslint/prefer-rest-params */

/** The origin of what runs now, where a package has scheduled it. */
function scheduler() {
  return current;
}

module.exports = { scheduler };
