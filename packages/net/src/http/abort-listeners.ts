/** One listener a signal: each of many concurrent exchanges with its own makes Node warn of a leak. */
const listeners = new WeakMap<
  AbortSignal,
  { readonly aborts: Set<() => void>; readonly end: () => void }
>();

/** @returns what takes the listener away again */
export function onAbort(signal: AbortSignal, abort: () => void): () => void {
  let shared = listeners.get(signal);
  if (!shared) {
    const aborts = new Set<() => void>();
    const abortAll = (): void => {
      listeners.delete(signal);
      for (const each of aborts) each();
    };
    signal.addEventListener('abort', abortAll, { once: true });
    shared = { aborts, end: () => signal.removeEventListener('abort', abortAll) };
    listeners.set(signal, shared);
  }
  const { aborts, end } = shared;
  aborts.add(abort);
  return () => {
    aborts.delete(abort);
    if (aborts.size > 0 || listeners.get(signal)?.aborts !== aborts) return;
    listeners.delete(signal);
    end();
  };
}
