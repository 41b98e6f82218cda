/**
 * The answer to a message: when it was received, and the message.
 * @param {string} line
 */
export function answerTo(line) {
  return `${new Date().toISOString()} ${line}\n`;
}
