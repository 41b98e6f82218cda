/** The package that a file belongs to: `@scope/name`; null for the user's own. */
export function packageOf(file: string): string | null {
  return /.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(file)?.[1] ?? null;
}
