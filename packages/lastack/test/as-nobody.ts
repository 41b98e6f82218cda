const NOBODY = 65_534;

/** Runs an action with the rights of an ordinary user, without root's capabilities. Only root may call it. */
export async function asNobody<T>(action: () => T | Promise<T>): Promise<T> {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
