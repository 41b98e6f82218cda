/** A filter that cannot be read or run: what is wrong, and where in its text. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  /** Index into the filter's text, in UTF-16 code units; its length when something is missing at the end. */
  readonly position: number;

  constructor(message: string, position: number) {
    // Words of the filter are quoted in messages, and the filter may be a file's or another person's.
    super(message.replaceAll(/\p{Cc}/gu, '\u{fffd}'));
    this.position = position;
  }
}
