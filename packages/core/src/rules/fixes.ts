import type { Fix, RuleId } from '../finding/finding.ts';
import { FIX as acceptBacklogStalled } from './accept-backlog-stalled.ts';
import { closeWaitFix } from './close-wait-fix.ts';
import { FIX as connectHanging } from './connect-hanging.ts';
import { FIX as deadDescriptor } from './dead-descriptor.ts';
import { FIX as fdLimitNear } from './fd-limit-near.ts';
import { FIX as finWait2Held } from './fin-wait-2-held.ts';
import { FIX as inheritedSocket } from './inherited-socket.ts';
import { FIX as listenOverflow } from './listen-overflow.ts';
import { DELETE_FIX } from './obsolete-sysctl.ts';
import { ORPHAN_FIX } from './orphan-pressure.ts';
import { OPEN_FIX } from './peer-vanished.ts';
import { FIX as portExhaustion } from './port-exhaustion.ts';
import { FIX as readHanging } from './read-hanging.ts';
import { FIX as sendStuck } from './send-stuck.ts';
import { FIX as timeWaitOverflow } from './time-wait-overflow.ts';
import { FIX as zombieChildren } from './zombie-children.ts';

/** What each rule says must be done where nothing more particular is known. */
export const FIXES: Readonly<Record<RuleId, Fix>> = {
  'close-wait-leak': closeWaitFix('unknown'),
  'accept-backlog-stalled': acceptBacklogStalled,
  'inherited-socket': inheritedSocket,
  'fin-wait-2-held': finWait2Held,
  'dead-descriptor': deadDescriptor,
  'fd-limit-near': fdLimitNear,
  'port-exhaustion': portExhaustion,
  'time-wait-overflow': timeWaitOverflow,
  'listen-overflow': listenOverflow,
  'connect-hanging': connectHanging,
  'read-hanging': readHanging,
  'send-stuck': sendStuck,
  'peer-vanished': OPEN_FIX,
  'orphan-pressure': ORPHAN_FIX,
  'obsolete-sysctl': DELETE_FIX,
  'zombie-children': zombieChildren,
};
