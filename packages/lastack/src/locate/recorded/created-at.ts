import type { Location } from '@lastack/core';
import type { Frame } from './slot.ts';

export const RECORDED_EVIDENCE = 'recorded by lastack run';

const PACKAGE =
  /.*\/(?:node_modules|(?:site|dist)-packages)\/((?:@[^/]+\/)?[^/]+?)(?:\.py)?(?:\/|$)/;

/**
 * The line where a socket was made, as a location; of a package's line it says so: it is not the line that must be changed.
 * @param own the program's own frame, or a package's where the stack had none
 */
export function createdAt({ file, line, function: name }: Frame): Location {
  const location = { role: 'created', file, line, function: name } as const;
  const of = PACKAGE.exec(file)?.[1];
  if (of === undefined) return { ...location, evidence: RECORDED_EVIDENCE };
  return {
    ...location,
    name: `made by package ${of}`,
    evidence: `${RECORDED_EVIDENCE}; no line of the program's own was on the stack`,
  };
}
