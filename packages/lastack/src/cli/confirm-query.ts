import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import type { ConfirmQuery, QueryCost } from '../locate/node/deep-query.ts';

export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Says what looking through the heap of a program will cost it, and asks whether to do it.
 * @param isAgreed the user has said yes already: it is only said
 */
export function confirmQueryOn({ input, output }: Terminal, isAgreed: boolean): ConfirmQuery {
  return async (cost) => {
    const text = describe(cost);
    if (isAgreed) {
      output.write(`${text}\n`);
      return true;
    }
    const questions = createInterface({ input, output });
    const ended = new AbortController();
    // The end of the input is no answer, and no agreement.
    questions.once('close', () => ended.abort());
    try {
      const answer = await questions.question(`${text} Do it? [y/N] `, { signal: ended.signal });
      return /^y(?:es)?$/i.test(answer.trim());
    } catch {
      return false;
    } finally {
      questions.close();
    }
  };
}

/** `Process 4121 has sockets …: … (190 MB) stops it for about 2.3 s, …` */
function describe({ pid, how, heapBytes, pauseMs, extraBytes }: QueryCost): string {
  if (how === 'snapshot') {
    return `To see what holds its sockets, process ${pid} must write a snapshot of its heap (${megabytes(heapBytes)}): it will stand still for about ${(pauseMs / 1000).toFixed(1)} s, and need up to ${megabytes(extraBytes)} more memory meanwhile.`;
  }
  return `To find sockets that are no active handles, process ${pid} must look through its heap (${megabytes(heapBytes)}): it will stand still for about ${(pauseMs / 1000).toFixed(1)} s, need up to ${megabytes(extraBytes)} more memory meanwhile, and may be slower for a while.`;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
