/** More characters than this without an end of line are no message. */
const LONGEST_LINE = 64 * 1024;

/**
 * The lines of a stream of bytes, without their ends; a last line may have none.
 * @param {AsyncIterable<Uint8Array>} chunks
 * @throws {RangeError} when a line is longer than 65,536 characters
 */
export async function* linesOf(chunks) {
  // Bytes of one character may come in two chunks.
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE)
      throw new RangeError(`a line of more than ${LONGEST_LINE} characters`);
    for (const line of lines) yield line.replace(/\r$/, '');
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
