/** Characters that would move the cursor, start an escape sequence, or reorder a line of a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/** A text that programs of the host may choose, fit for a terminal: what a terminal would obey becomes U+FFFD. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\uFFFD');
}
