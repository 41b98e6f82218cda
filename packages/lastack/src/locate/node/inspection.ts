import type { RemoteProbe } from './remote-probe.ts';
import type { Scripts } from './scripts.ts';
import type { Session } from './session.ts';

/** What a search has to do with: one thread of JavaScript of the target. */
export interface Inspection {
  readonly session: Session;
  readonly probe: RemoteProbe;
  readonly scripts: Scripts;
  /** The search ends then, by `session.timeLeftMs`. */
  readonly until: number;
}
