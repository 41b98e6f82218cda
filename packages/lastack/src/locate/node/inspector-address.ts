import { readProcBytes } from '../../kernel/procfs/read-proc.ts';

/** Where the inspector of a process is, or would be, by its command line and NODE_OPTIONS. */
export interface InspectorAddress {
  /** --inspect, --inspect-brk or --inspect-wait was given: it is open from the start. */
  readonly isOpen: boolean;
  /** 0: the system chooses. */
  readonly port: number;
}

const DEFAULT_PORT = 9229;

/** Reads how a process was started; what cannot be read counts as not given. */
export function readInspectorAddress(pid: number): InspectorAddress {
  const commandLine = readProcBytes(`/proc/${pid}/cmdline`);
  const args = commandLine.kind === 'ok' ? splitNul(commandLine.value) : [];
  const environment = readProcBytes(`/proc/${pid}/environ`);
  const variables = environment.kind === 'ok' ? splitNul(environment.value) : [];
  const nodeOptions = variables.find((line) => line.startsWith('NODE_OPTIONS=')) ?? '';
  return parseInspectorAddress([
    ...nodeOptions.slice('NODE_OPTIONS='.length).split(/\s+/),
    ...optionsOf(args),
  ]);
}

/** The later option wins, as it does in Node. */
export function parseInspectorAddress(options: readonly string[]): InspectorAddress {
  let isOpen = false;
  let port = DEFAULT_PORT;
  for (const [i, option] of options.entries()) {
    const match = /^--(inspect|inspect-brk|inspect-wait|inspect-port|debug-port)(?:=(.*))?$/.exec(
      option,
    );
    if (match === null) continue;
    const [, name, value] = match;
    const takesNext = name.endsWith('-port') && value === undefined;
    if (!name.endsWith('-port')) isOpen = true;
    port = portOf(value ?? (takesNext ? options[i + 1] : undefined)) ?? port;
  }
  return { isOpen, port };
}

/** Options whose value may be the next argument. */
const WITH_VALUE =
  /^(?:-r|-C|--(?:require|import|loader|experimental-loader|conditions|title|inspect-port|debug-port))$/;

/** Node's own options end where the script's name begins. */
function optionsOf(args: readonly string[]): readonly string[] {
  const end = args.findIndex(
    (arg, i) => i > 0 && !arg.startsWith('-') && (i === 1 || !WITH_VALUE.test(args[i - 1])),
  );
  return args.slice(1, end < 0 ? undefined : end);
}

/** `9230`, `127.0.0.1:9230`, `[::1]:9230`; null for a host alone. */
function portOf(value: string | undefined): number | null {
  const digits = /^(?:.*:)?(\d{1,5})$/.exec(value ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

function splitNul(bytes: Buffer): string[] {
  return bytes.toString('utf8').split('\0');
}
