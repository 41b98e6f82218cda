import { setTimeout as pause } from 'node:timers/promises';
import { Session, type Channel } from './session.ts';

const ATTACH_MS = 100;
const CALL_MS = 500;

/** A worker thread of the target, reached through the inspector of its main thread. */
class WorkerChannel implements Channel {
  readonly #main: Session;
  readonly #sessionId: string;
  onMessage: (text: string) => void = () => {};
  onClose: () => void = () => {};

  constructor(main: Session, sessionId: string) {
    this.#main = main;
    this.#sessionId = sessionId;
  }

  send(message: string): void {
    const sent = this.#main.call('NodeWorker.sendMessageToWorker', {
      sessionId: this.#sessionId,
      message,
    });
    sent.catch(() => this.onClose());
  }
}

/**
 * Runs `use` on each worker thread that the target has, one after the other.
 * @returns how many there are
 */
export async function useWorkers(
  main: Session,
  deadline: number,
  use: (session: Session) => Promise<void>,
): Promise<number> {
  const channels = new Map<string, WorkerChannel>();
  main.on('NodeWorker.attachedToWorker', ({ sessionId }) => {
    channels.set(sessionId, new WorkerChannel(main, sessionId));
  });
  main.on('NodeWorker.receivedMessageFromWorker', ({ sessionId, message }) => {
    channels.get(sessionId)?.onMessage(message);
  });
  await main.call('NodeWorker.enable', { waitForDebuggerOnStart: false });
  // They are told of one by one, and nothing says which is the last.
  await pause(ATTACH_MS);
  for (const channel of channels.values()) {
    const session = new Session(channel, { deadline, callMs: CALL_MS });
    try {
      await use(session);
    } finally {
      await session.call('Debugger.disable', {}, CALL_MS).catch(() => {});
      await session
        .call('Runtime.releaseObjectGroup', { objectGroup: 'lastack' }, CALL_MS)
        .catch(() => {});
    }
  }
  await main.call('NodeWorker.disable', {});
  return channels.size;
}
