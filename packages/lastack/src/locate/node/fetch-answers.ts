import { scopesOf, siteOfFunction } from './function-site.ts';
import type { Inspection } from './inspection.ts';

/** Sockets of which this is asked, with six calls each. */
const SOCKETS_ASKED = 16;

/**
 * Tells the probe the Responses and body streams of fetch() that stand for sockets: a program holds those. Nothing but the
 * closures of undici says which socket they have.
 * @param indexes of sockets in the probe
 */
export async function addFetchAnswers(
  { session, probe, scripts, until }: Inspection,
  indexes: readonly number[],
): Promise<void> {
  const scopesIn = async (objectId: string | null) => {
    const site = objectId === null ? null : await siteOfFunction(session, scripts, objectId);
    return site?.scopes == null ? [] : scopesOf(session, site.scopes);
  };
  for (const index of indexes.slice(0, SOCKETS_ASKED)) {
    if (session.timeLeftMs < until) return;
    const scopes = await scopesIn(await probe.fetchFunction(index));
    if (scopes.length === 0) continue;
    const more = await scopesIn(await probe.addFetch(index, scopes));
    if (more.length > 0) await probe.addResponse(index, more);
  }
}
