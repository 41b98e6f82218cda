/** Where the files are that the command's programs load. */
export interface Preloads {
  /** The folder of the run. */
  readonly folder: string;
  /** The file that Node requires. */
  readonly node: string;
  /** The folder in which Python finds sitecustomize. */
  readonly python: string;
}

/** The command's environment: the user's own, with our preloads beside his. */
export function preloadEnvironment(
  env: NodeJS.ProcessEnv,
  { folder, node, python }: Preloads,
): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: options, PYTHONPATH: path } = env;
  return {
    ...env,
    LASTACK_RUN_DIR: folder,
    NODE_OPTIONS: [options, `--require ${quoted(node)}`].filter(Boolean).join(' '),
    PYTHONPATH: [python, path].filter(Boolean).join(':'),
  };
}

/** For NODE_OPTIONS. Only where it is needed: Node before 12 knows no quotes. */
function quoted(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"` : path;
}
