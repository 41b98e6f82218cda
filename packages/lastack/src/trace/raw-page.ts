// Read first: include/linux/ring_buffer.h (struct ring_buffer_event) and Documentation/trace/ring-buffer-design.rst.
// A page is { u64 time_stamp; u64 commit; u8 data[commit]; }; an event begins with type_len : 5, time_delta : 27.

const HEADER_WORDS = 4;
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;
const COMMIT_MASK = 0xfffff;
/** RB_MISSED_EVENTS, RB_MISSED_STORED: events were lost before this page, and how many stands behind its data. */
const MISSED = 0x8000_0000;
const MISSED_STORED = 0x4000_0000;

/**
 * Walks a page of a processor's trace buffer.
 *
 * @param event is given the word at which an event's data begin, and its time in ns
 * @returns how many events were lost before the page; 1 where the kernel does not say how many
 */
export function walkRawPage(words: Uint32Array, event: (at: number, ns: number) => void): number {
  const commit = words[2];
  const end = Math.min(words.length, HEADER_WORDS + ((commit & COMMIT_MASK) >>> 2));
  let ns = words[1] * 2 ** 32 + words[0];
  let at = HEADER_WORDS;
  while (at < end) {
    const header = words[at];
    const type = header & 31;
    const delta = header >>> 5;
    if (type === PADDING) {
      if (delta === 0) break;
      at += 1 + (words[at + 1] >>> 2);
    } else if (type === TIME_EXTEND) {
      ns += words[at + 1] * 2 ** 27 + delta;
      at += 2;
    } else if (type === TIME_STAMP) {
      ns = words[at + 1] * 2 ** 27 + delta;
      at += 2;
    } else {
      ns += delta;
      const isLong = type === 0;
      const length = isLong ? words[at + 1] >>> 2 : type;
      // A long event's length counts its own word: this page is broken.
      if (length === 0) break;
      event(isLong ? at + 2 : at + 1, ns);
      at += 1 + length;
    }
  }
  if ((commit & MISSED) === 0) return 0;
  return (commit & MISSED_STORED) === 0 || end + 1 >= words.length ? 1 : words[end];
}
