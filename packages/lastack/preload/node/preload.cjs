'use strict';
// `lastack run` has every Node program of its command load this file, through NODE_OPTIONS. Old versions go without.
// Plain old syntax here: whatever Node the command calls must be able to read it.
var RECORDABLE_SINCE = 18;

if (process.env.LASTACK_RUN_DIR && parseInt(process.versions.node, 10) >= RECORDABLE_SINCE) {
  try {
    require('./recorder.cjs');
  } catch {
    // Whatever is wrong with us, the program must run.
  }
}
