/** What arrived and was not read, first in, first out. */
export class UnreadChunks {
  byteLength = 0;
  readonly #chunks: Uint8Array[] = [];

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.byteLength += chunk.byteLength;
  }

  /** The oldest; there must be one. */
  take(): Uint8Array {
    const chunk = this.#chunks.shift() as Uint8Array;
    this.byteLength -= chunk.byteLength;
    return chunk;
  }
}
