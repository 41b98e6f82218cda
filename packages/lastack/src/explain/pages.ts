import { sequenceSvg } from '../render/sequence-svg.ts';
import { findingPage, statePage, statesPage } from './page.ts';
import { show } from './simulation.ts';
import { STATE_DIAGRAM } from './state-diagram.ts';
import { FINDINGS, pageOf, STATES } from './subjects.ts';
import type { FindingSubject, StateSubject } from './subject.ts';
import { tryTimeWait } from './why-time-wait.ts';

/** These are drawn; the diagrams of the others are text. */
const PICTURED: ReadonlySet<string> = new Set([
  'ESTABLISHED',
  'CLOSING',
  'TIME-WAIT',
  'CLOSE-WAIT',
]);
const RUNS = 1000;

/** All that is written under docs, by path from the root of the project. The same at each call. */
export function docsPages(): ReadonlyMap<string, string> {
  const pages = new Map<string, string>([['docs/states/README.md', statesPage(STATE_DIAGRAM)]]);
  for (const state of Object.values<StateSubject>(STATES)) addState(pages, state);
  for (const finding of Object.values<FindingSubject>(FINDINGS)) {
    const shown = finding.simulation === null ? null : show(finding.simulation);
    pages.set(pageOf(finding), findingPage(finding, shown));
  }
  return pages;
}

function addState(pages: Map<string, string>, state: StateSubject): void {
  const shown = show(state.simulation);
  const trial = state.id === 'TIME-WAIT' ? tryTimeWait(RUNS) : null;
  const picture = PICTURED.has(state.id) ? `${state.id.toLowerCase()}.svg` : null;
  pages.set(pageOf(state), statePage(state, shown, picture, trial));
  if (picture !== null) {
    pages.set(`docs/states/${picture}`, sequenceSvg(shown.diagram, state.id, shown.conditions));
  }
}
