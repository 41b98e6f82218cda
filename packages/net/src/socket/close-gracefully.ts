import { Socket } from 'node:net';
import { inspect } from 'node:util';
import {
  checkCloseOptions,
  closeLimits,
  type CloseOptions,
  type CloseReport,
} from './close-report.ts';
import { Closing } from './closing.ts';

const closings = new WeakMap<Socket, Closing>();

/**
 * Closes a `net.Socket` or `tls.TLSSocket` that somebody else opened, with the steps and the report of `SafeSocket.close()`.
 * Readers that it has (`on('data')`, `pipe()`, for-await) get all the data, at their pace; what nobody reads is discarded. One
 * that stops reading holds it up until a limit, which resets: its stream then ends without an 'end'.
 *
 * A second call gives the same report, and may only shorten the limits. It never rejects once the options are valid.
 * @throws RangeError when a limit is no number from 0 on, TypeError for no socket or an unknown option
 * @example const report = await closeGracefully(request.socket, { deadline: 2_000 });
 */
export function closeGracefully(socket: Socket, options: CloseOptions = {}): Promise<CloseReport> {
  if (!(socket instanceof Socket)) {
    const given = inspect(socket, { depth: 0 });
    throw new TypeError(`closeGracefully: the first argument must be a net.Socket, not ${given}`);
  }
  checkCloseOptions('closeGracefully', options);
  const begun = closings.get(socket);
  if (begun !== undefined) {
    begun.tighten(options);
    return begun.report;
  }
  const closing = new Closing(socket, closeLimits(options));
  closings.set(socket, closing);
  if (socket.destroyed) {
    if (socket.errored) closing.fail(socket.errored);
    // Its 'close' comes in this turn of the event loop, or came long ago.
    setImmediate(() => setImmediate(() => closing.released()));
  } else {
    closing.linger();
  }
  return closing.report;
}
