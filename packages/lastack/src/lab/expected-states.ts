import { simulate, type TcpState } from '@lastack/core';
import type { Expectation, Side } from './scenario.ts';

/** Long enough for every close that is made, and shorter than TIME-WAIT and the time-out of FIN-WAIT-2. */
const MODEL_MS = 20_000;

export interface ExpectedStates {
  readonly states: readonly TcpState[];
  readonly source: 'model' | 'scenario';
}

/** The states that a side must go through; null where they are not looked at. What the model says can be overruled. */
export function expectedStates(side: Side, { model, states }: Expectation): ExpectedStates | null {
  const written = states?.[side];
  if (written === null) return null;
  if (written !== undefined) return { states: written, source: 'scenario' };
  if (model === undefined) return null;
  const path: TcpState[] = [];
  simulate({ ...model, seed: 1, until: MODEL_MS }, (event) => {
    if (event.kind === 'state' && event.role === side) path.push(event.to);
  });
  return { states: path, source: 'model' };
}
