import type { RuleId, TcpState } from '@lastack/core';
import { acceptBacklogStalled } from './findings/accept-backlog-stalled.ts';
import { closeWaitLeak } from './findings/close-wait-leak.ts';
import { connectHanging } from './findings/connect-hanging.ts';
import { deadDescriptor } from './findings/dead-descriptor.ts';
import { fdLimitNear } from './findings/fd-limit-near.ts';
import { finWait2Held } from './findings/fin-wait-2-held.ts';
import { inheritedSocket } from './findings/inherited-socket.ts';
import { listenOverflow } from './findings/listen-overflow.ts';
import { obsoleteSysctl } from './findings/obsolete-sysctl.ts';
import { orphanPressure } from './findings/orphan-pressure.ts';
import { peerVanished } from './findings/peer-vanished.ts';
import { portExhaustion } from './findings/port-exhaustion.ts';
import { readHanging } from './findings/read-hanging.ts';
import { sendStuck } from './findings/send-stuck.ts';
import { timeWaitOverflow } from './findings/time-wait-overflow.ts';
import { zombieChildren } from './findings/zombie-children.ts';
import { closeWait } from './states/close-wait.ts';
import { closed } from './states/closed.ts';
import { closing } from './states/closing.ts';
import { established } from './states/established.ts';
import { finWait1 } from './states/fin-wait-1.ts';
import { finWait2 } from './states/fin-wait-2.ts';
import { lastAck } from './states/last-ack.ts';
import { listen } from './states/listen.ts';
import { synReceived } from './states/syn-received.ts';
import { synSent } from './states/syn-sent.ts';
import { timeWait } from './states/time-wait.ts';
import type { FindingSubject, StateSubject, Subject } from './subject.ts';

/** In the order of a connection's life. */
export const STATES = {
  CLOSED: closed,
  LISTEN: listen,
  'SYN-SENT': synSent,
  'SYN-RECEIVED': synReceived,
  ESTABLISHED: established,
  'FIN-WAIT-1': finWait1,
  'FIN-WAIT-2': finWait2,
  CLOSING: closing,
  'TIME-WAIT': timeWait,
  'CLOSE-WAIT': closeWait,
  'LAST-ACK': lastAck,
} as const satisfies Readonly<Record<TcpState, StateSubject>>;

export const FINDINGS = {
  'close-wait-leak': closeWaitLeak,
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
  'peer-vanished': peerVanished,
  'orphan-pressure': orphanPressure,
  'obsolete-sysctl': obsoleteSysctl,
  'zombie-children': zombieChildren,
} as const satisfies Readonly<Record<RuleId, FindingSubject>>;

export const SUBJECTS: readonly Subject[] = [...Object.values(STATES), ...Object.values(FINDINGS)];

/** The page of a subject, seen from the root of the project. */
export function pageOf({ kind, id }: Subject): string {
  return kind === 'state' ? `docs/states/${id.toLowerCase()}.md` : `docs/${id}.md`;
}
