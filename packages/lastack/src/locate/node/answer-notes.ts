import type { HttpClient } from '@lastack/core';

/** A socket for which no line of the user's own was found. */
export interface SocketWithoutLine {
  readonly fd: number;
  /** The client whose request it is busy with. */
  readonly client: HttpClient | null;
  /** Its answer has begun, and nobody has read it to its end. */
  readonly isUnread: boolean;
  /** Where Node itself keeps it. */
  readonly pool: string | null;
  /** The package whose code listens to it. */
  readonly package: string | null;
  /** A number for the server that has accepted it; null for a connection of a client. */
  readonly server: number | null;
}

const SHOWN_FDS = 8;
const NOT_TOLD =
  'cannot be seen in a running program: start it with `lastack run -- …`, which records it';

/** The function of each client that the user's line calls. */
const CALLS: Readonly<Record<HttpClient, string>> = {
  fetch: 'fetch()',
  http: 'http.get() or http.request()',
  undici: 'undici',
};

/** Says of sockets without a line what is known of them, and how to get the line: a sentence for all that are alike. */
export function notesOfSockets(sockets: readonly SocketWithoutLine[]): readonly string[] {
  const alike = new Map<string, number[]>();
  for (const socket of sockets) {
    const sentence = sentenceOf(socket);
    if (sentence === null) continue;
    const fds = alike.get(sentence) ?? [];
    alike.set(sentence, fds);
    fds.push(socket.fd);
  }
  return [...alike].map(([sentence, fds]) => `${descriptors(fds)}: ${sentence}`);
}

function sentenceOf({ client, isUnread, pool, ...rest }: SocketWithoutLine): string | null {
  if (client === null && pool === null && rest.package === null) return null;
  if (client !== null) {
    const state = isUnread
      ? 'an answer that nobody has read to its end'
      : 'a request without an answer';
    return `${state}; which line called ${CALLS[client]} ${NOT_TOLD}`;
  }
  if (rest.server !== null && pool === null) {
    return `accepted by a server of the package ${rest.package}, which has handlers of the program; which of them has it cannot be seen: compare the peer with the access log`;
  }
  const place =
    pool === null ? `only code of the package ${rest.package} listens` : `idle in ${pool}`;
  return `${place}; which line made the connection ${NOT_TOLD}`;
}

function descriptors(fds: readonly number[]): string {
  const shown = fds
    .toSorted((a, b) => a - b)
    .slice(0, SHOWN_FDS)
    .join(', ');
  const more = fds.length > SHOWN_FDS ? ` and ${fds.length - SHOWN_FDS} more` : '';
  return `descriptor${fds.length === 1 ? '' : 's'} ${shown}${more}`;
}
