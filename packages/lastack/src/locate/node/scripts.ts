import { fileURLToPath } from 'node:url';
import type { ScriptPosition } from './protocol.ts';
import type { Session } from './session.ts';
import { readSourceMap, type OriginalPosition, type PositionMapper } from './source-map.ts';
import { blankText, declarationOf, depthAt, isNameInCode } from './source-text.ts';

/** Whose code it is: the user's own, a package's, or Node's. */
export type Origin = 'user' | 'package' | 'internal';

/** A line of the source as its author knows it. */
export interface Place extends OriginalPosition {
  readonly origin: Origin;
}

interface Script {
  readonly url: string;
  readonly sourceMapUrl: string;
}

interface OwnSources {
  readonly texts: readonly string[];
  readonly isComplete: boolean;
}

interface Declaration {
  readonly place: Place;
  readonly isTopLevel: boolean;
}

const LONGEST_SOURCE = 4 << 20;
const MOST_SOURCES = 30;
/** Scripts of the user's own that are read to recognize their functions. */
const MOST_OWN_SOURCES = 60;
const MOST_OWN_CHARACTERS = 8 << 20;
/** What V8 gives for the source of a bound function, whatever it is bound to. */
const BOUND = 'function () { [native code] }';

/** Names that Node gives to what holds sockets. */
const NODE_NAMES = new Set(
  `sockets freeSockets requests socket _socket connection client stream agent req res request response exports`.split(
    ' ',
  ),
);

/** The scripts of a target, and what their source says; sources are read when they are needed. */
export class Scripts {
  readonly #session: Session;
  readonly #pid: number;
  readonly #scripts = new Map<string, Script>();
  readonly #mappers = new Map<string, PositionMapper | null>();
  readonly #code = new Map<string, string>();
  readonly #sources = new Map<string, string>();
  #ownSources: OwnSources | null = null;
  readonly #ownFunctions = new Map<string, boolean | null>();
  readonly #names = new Map<string, boolean>();
  readonly #declarations = new Map<string, Declaration | null>();

  constructor(session: Session, pid: number) {
    this.#session = session;
    this.#pid = pid;
    session.on('Debugger.scriptParsed', ({ scriptId, url, sourceMapURL = '' }) => {
      this.#scripts.set(scriptId, { url, sourceMapUrl: sourceMapURL });
    });
  }

  originOf(scriptId: string): Origin {
    const url = this.#scripts.get(scriptId)?.url ?? '';
    if (url === '' || url.startsWith('node:')) return 'internal';
    return /[/\\]node_modules[/\\]/.test(url) ? 'package' : 'user';
  }

  /** Where a position of the running script was written, through its source map if it has one; null for one unknown. */
  placeOf({ scriptId, lineNumber, columnNumber }: ScriptPosition): Place | null {
    const script = this.#scripts.get(scriptId);
    if (script === undefined) return null;
    const file = pathOf(script.url);
    const origin = this.originOf(scriptId);
    const mapped = this.#mapperOf(scriptId, script, file)?.(lineNumber, columnNumber);
    return { ...(mapped ?? { file, line: lineNumber + 1 }), origin };
  }

  /** The id of the script that was loaded from a file; null where there is none. */
  scriptOf(file: string): string | null {
    for (const [scriptId, { url }] of this.#scripts) if (pathOf(url) === file) return scriptId;
    return null;
  }

  /** Reads a script's code, to answer the questions below about it. */
  async readCode(scriptId: string): Promise<void> {
    if (this.#code.has(scriptId) || this.#code.size >= MOST_SOURCES) return;
    this.#code.set(scriptId, '');
    const source = await this.#sourceOf(scriptId);
    // What was not known by then may be known now.
    this.#names.clear();
    this.#declarations.clear();
    if (source.length <= LONGEST_SOURCE) this.#code.set(scriptId, blankText(source));
  }

  /** Reads the code of the user's own scripts, as far as the limit allows. */
  async readOwnCode(): Promise<void> {
    for (const scriptId of this.#scripts.keys()) {
      if (this.originOf(scriptId) === 'user') await this.readCode(scriptId);
    }
  }

  /**
   * Whether a function is of the user's own code, told from its source alone, which spares a call for each of the thousands of
   * functions of packages; null where that does not tell.
   */
  async isOwnFunction(source: string): Promise<boolean | null> {
    if (source === BOUND) return null;
    let isOwn = this.#ownFunctions.get(source);
    if (isOwn === undefined) {
      const { texts, isComplete } = (this.#ownSources ??= await this.#readOwnSources());
      isOwn = texts.some((text) => text.includes(source)) || (isComplete ? false : null);
      this.#ownFunctions.set(source, isOwn);
    }
    return isOwn;
  }

  async #readOwnSources(): Promise<OwnSources> {
    const own = [...this.#scripts.keys()].filter((scriptId) => this.originOf(scriptId) === 'user');
    const texts: string[] = [];
    let characters = 0;
    for (const scriptId of own.slice(0, MOST_OWN_SOURCES)) {
      if (characters > MOST_OWN_CHARACTERS) return { texts, isComplete: false };
      const text = await this.#sourceOf(scriptId);
      characters += text.length;
      texts.push(text);
    }
    return { texts, isComplete: own.length <= MOST_OWN_SOURCES };
  }

  async #sourceOf(scriptId: string): Promise<string> {
    let source = this.#sources.get(scriptId);
    if (source === undefined) {
      source = (await this.#session.call('Debugger.getScriptSource', { scriptId })).scriptSource;
      this.#sources.set(scriptId, source);
    }
    return source;
  }

  /** Whether code that was read names a property so; else the name may be data. */
  isName(name: string): boolean {
    let isName = this.#names.get(name);
    if (isName === undefined) {
      isName = NODE_NAMES.has(name) || this.#codes().some((code) => isNameInCode(name, code));
      this.#names.set(name, isName);
    }
    return isName;
  }

  /** Where a variable is declared, if its script was read and that is certain. */
  declarationOf(name: string, scriptId: string): Place | null {
    return this.#declaration(name, scriptId)?.place ?? null;
  }

  /** Whether a variable is certainly declared outside of every function and block. */
  isTopLevel(name: string, scriptId: string): boolean {
    return this.#declaration(name, scriptId)?.isTopLevel ?? false;
  }

  #declaration(name: string, scriptId: string): Declaration | null {
    const key = `${scriptId} ${name}`;
    let declaration = this.#declarations.get(key);
    if (declaration === undefined) {
      declaration = this.#findDeclaration(name, scriptId);
      this.#declarations.set(key, declaration);
    }
    return declaration;
  }

  #findDeclaration(name: string, scriptId: string): Declaration | null {
    const code = this.#code.get(scriptId) ?? '';
    const offset = declarationOf(name, code);
    if (offset === null) return null;
    const before = code.slice(0, offset).split('\n');
    const columnNumber = before.at(-1)?.length ?? 0;
    const place = this.placeOf({ scriptId, lineNumber: before.length - 1, columnNumber });
    return place === null ? null : { place, isTopLevel: depthAt(code, offset) === 0 };
  }

  #codes(): readonly string[] {
    return [...this.#code.values()];
  }

  #mapperOf(scriptId: string, script: Script, file: string): PositionMapper | null {
    if (script.sourceMapUrl === '') return null;
    let mapper = this.#mappers.get(scriptId);
    if (mapper === undefined) {
      mapper = readSourceMap(script.sourceMapUrl, file, `/proc/${this.#pid}/root`);
      this.#mappers.set(scriptId, mapper);
    }
    return mapper;
  }
}

/** A file: URL as a path, a data: URL without its data, anything else as it is. */
function pathOf(url: string): string {
  if (url.startsWith('data:')) return 'data:…';
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch {
    return url;
  }
}
