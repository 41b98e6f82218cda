import { closeWaitLeak } from './close-wait-leak.ts';
import { acceptBacklogStalled } from './accept-backlog-stalled.ts';
import { fdLimitNear } from './fd-limit-near.ts';
import { listenOverflow } from './listen-overflow.ts';
import { obsoleteSysctl } from './obsolete-sysctl.ts';
import { orphanPressure } from './orphan-pressure.ts';
import { portExhaustion } from './port-exhaustion.ts';
import { timeWaitOverflow } from './time-wait-overflow.ts';
import { zombieChildren } from './zombie-children.ts';
import { inheritedSocket } from './inherited-socket.ts';
import { deadDescriptor } from './dead-descriptor.ts';
import { connectHanging } from './connect-hanging.ts';
import { finWait2Held } from './fin-wait-2-held.ts';
import { readHanging } from './read-hanging.ts';
import { sendStuck } from './send-stuck.ts';
import { peerVanished } from './peer-vanished.ts';
import type { Rule } from './rule.ts';

/** Every rule, in the order in which findings of equal gravity appear. */
export const RULES: readonly Rule[] = [
  closeWaitLeak,
  acceptBacklogStalled,
  fdLimitNear,
  portExhaustion,
  timeWaitOverflow,
  listenOverflow,
  orphanPressure,
  obsoleteSysctl,
  zombieChildren,
  inheritedSocket,
  deadDescriptor,
  connectHanging,
  finWait2Held,
  readHanging,
  sendStuck,
  peerVanished,
];
