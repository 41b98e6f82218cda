// Read first: V8's heap-snapshot-generator.cc, HeapSnapshotJSONSerializer: flat arrays of numbers, described by `meta`, and one
// of strings at the end, which the numbers refer to.

/** A reference or an object for each row; strings only where they name something. */
export interface HeapSnapshot {
  readonly nodes: {
    readonly count: number;
    /** Index of `nodeTypes`. */
    readonly type: Uint8Array;
    /** Index of `strings`. */
    readonly name: Uint32Array;
    /** What HeapProfiler.getHeapObjectId gives. */
    readonly id: Uint32Array;
    /** Bytes. */
    readonly size: Uint32Array;
    /** One row more than there are nodes: the references of node i are those from firstEdge[i] to firstEdge[i + 1]. */
    readonly firstEdge: Uint32Array;
  };
  readonly edges: {
    readonly count: number;
    /** Index of `edgeTypes`. */
    readonly type: Uint8Array;
    /** Index of `strings`; the number itself for elements and hidden references. */
    readonly name: Uint32Array;
    /** Row of the node that is held. */
    readonly to: Uint32Array;
  };
  readonly nodeTypes: readonly string[];
  readonly edgeTypes: readonly string[];
  /** Where functions were written: row of the node, script, line and column, both from 0; one after the other. */
  readonly locations: readonly number[];
  /** Names of functions, classes, variables and properties; empty for any other string. */
  readonly strings: readonly string[];
}

/** The snapshot is not as V8 writes it, or larger than agreed. */
export class HeapSnapshotError extends Error {
  override readonly name = 'HeapSnapshotError';
}

/** Bytes that a row needs here and in the search for holders. */
const NODE_BYTES = 30;
const EDGE_BYTES = 9;
const LONGEST_HEADER = 1 << 16;
const LONGEST_NAME = 100;
/** The longest of `"locations":[` and the like. */
const LONGEST_KEY = 16;
const NAMED_NODES = new Set(['object', 'closure']);
const NAMED_EDGES = new Set(['context', 'property', 'internal']);
const [QUOTE, BACKSLASH, CLOSING, ZERO, NINE] = [0x22, 0x5c, 0x5d, 0x30, 0x39];

type Section = 'header' | 'nodes' | 'edges' | 'locations' | 'strings' | 'between' | 'end';

interface Header {
  readonly nodeFields: readonly string[];
  readonly edgeFields: readonly string[];
  readonly nodeTypes: readonly string[];
  readonly edgeTypes: readonly string[];
  readonly nodeCount: number;
  readonly edgeCount: number;
}

/** Reads a heap snapshot in pieces as they come, into columns. What strings of the program contain is never kept. */
export class HeapSnapshotParser {
  readonly #mostBytes: number;
  #section: Section = 'header';
  #text = '';
  #header: Header | null = null;
  #snapshot: Omit<HeapSnapshot, 'locations' | 'strings'> | null = null;
  readonly #locations: number[] = [];
  readonly #strings: string[] = [];
  #isName: Uint8Array = new Uint8Array(0);
  /** By field: the column that it goes to. */
  #columns: readonly (Uint8Array | Uint32Array | null)[] = [];
  #fields = 0;
  #field = 0;
  #row = 0;
  #rows = 0;
  /** The number that is being read; -1 between numbers. */
  #number = -1;
  #isInString = false;
  #isEscaped = false;

  /** @param mostBytes memory that the columns may need */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * Takes the next piece of the text.
   * @throws HeapSnapshotError when it is not a snapshot, or too large
   */
  write(chunk: string): void {
    let text = chunk;
    for (let at = 0; at < text.length && this.#section !== 'end';) {
      const section = this.#section;
      if (section === 'header' || section === 'between') {
        text = this.#text + text.slice(at);
        at = section === 'header' ? this.#readHeader(text) : this.#readKey(text);
      } else at = section === 'strings' ? this.#readStrings(text, at) : this.#readNumbers(text, at);
    }
  }

  /**
   * What was read.
   * @throws HeapSnapshotError when something is missing
   */
  end(): HeapSnapshot {
    const snapshot = this.#snapshot;
    if (this.#section !== 'end' || snapshot === null) {
      throw new HeapSnapshotError('the heap snapshot is cut off');
    }
    return { ...snapshot, locations: this.#locations, strings: this.#strings };
  }

  #readHeader(text: string): number {
    const match = /,\s*"nodes":\[/.exec(text);
    if (match === null) {
      if (text.length > LONGEST_HEADER) throw new HeapSnapshotError('this is no heap snapshot');
      this.#text = text;
      return text.length;
    }
    const header = parseHeader(`${text.slice(0, match.index)}}`);
    const { nodeCount, edgeCount, nodeTypes, edgeTypes, nodeFields } = header;
    const bytes = nodeCount * NODE_BYTES + edgeCount * EDGE_BYTES;
    if (bytes > this.#mostBytes) {
      throw new HeapSnapshotError(
        `the heap has ${nodeCount} objects and ${edgeCount} references, which need ${Math.ceil(bytes / 1e6)} MB here; ${Math.floor(this.#mostBytes / 1e6)} MB are allowed`,
      );
    }
    this.#header = header;
    const nodes = {
      count: nodeCount,
      type: new Uint8Array(nodeCount),
      name: new Uint32Array(nodeCount),
      id: new Uint32Array(nodeCount),
      size: new Uint32Array(nodeCount),
      firstEdge: new Uint32Array(nodeCount + 1),
    };
    const edges = {
      count: edgeCount,
      type: new Uint8Array(edgeCount),
      name: new Uint32Array(edgeCount),
      to: new Uint32Array(edgeCount),
    };
    this.#snapshot = { nodes, edges, nodeTypes, edgeTypes };
    const { type, name, id, size, firstEdge } = nodes;
    const places = { type, name, id, self_size: size, edge_count: firstEdge.subarray(1) };
    this.#begin('nodes', nodeFields, places, nodeCount);
    return match.index + match[0].length;
  }

  #readKey(text: string): number {
    const match = /"(edges|locations|strings)":\[/.exec(text);
    if (match === null) {
      this.#text = text.slice(-LONGEST_KEY);
      return text.length;
    }
    const { edgeFields, edgeCount } = this.#header ?? fail();
    const { type, name, to } = (this.#snapshot ?? fail()).edges;
    if (match[1] === 'edges') {
      const places = { type, name_or_index: name, to_node: to };
      this.#begin('edges', edgeFields, places, edgeCount);
    } else this.#section = match[1] === 'locations' ? 'locations' : 'strings';
    this.#text = '';
    return match.index + match[0].length;
  }

  #begin(
    section: 'nodes' | 'edges',
    fields: readonly string[],
    columns: Readonly<Record<string, Uint8Array | Uint32Array>>,
    rows: number,
  ): void {
    this.#section = section;
    this.#text = '';
    this.#columns = fields.map((field) => columns[field] ?? null);
    this.#fields = fields.length;
    this.#field = 0;
    this.#row = 0;
    this.#rows = rows;
  }

  #readNumbers(text: string, from: number): number {
    let number = this.#number;
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= ZERO && code <= NINE) {
        number = (number < 0 ? 0 : number * 10) + code - ZERO;
        continue;
      }
      if (number >= 0) this.#addNumber(number);
      number = -1;
      if (code === CLOSING) {
        this.#number = -1;
        this.#endNumbers();
        return at + 1;
      }
    }
    this.#number = number;
    return text.length;
  }

  #addNumber(number: number): void {
    if (this.#section === 'locations') {
      this.#locations.push(number);
      return;
    }
    if (this.#row >= this.#rows) throw new HeapSnapshotError('more rows than the header says');
    const column = this.#columns[this.#field];
    if (column !== null) column[this.#row] = number;
    if (++this.#field < this.#fields) return;
    this.#field = 0;
    this.#row++;
  }

  #endNumbers(): void {
    const section = this.#section;
    this.#section = 'between';
    if (section === 'locations') this.#endLocations();
    else if (this.#row !== this.#rows || this.#field !== 0) {
      throw new HeapSnapshotError('fewer rows than the header says');
    } else if (section === 'nodes') this.#endNodes();
    else this.#endEdges();
  }

  /** Counts become positions. */
  #endNodes(): void {
    const { nodes, edges } = this.#snapshot ?? fail();
    let sum = 0;
    for (let i = 1; i <= nodes.count; i++) nodes.firstEdge[i] = sum += nodes.firstEdge[i];
    if (sum !== edges.count) throw new HeapSnapshotError('the counts of references disagree');
  }

  /** Positions in the array of nodes become rows; then it is known which strings are names. */
  #endEdges(): void {
    const { nodes, edges, nodeTypes, edgeTypes } = this.#snapshot ?? fail();
    const { length } = (this.#header ?? fail()).nodeFields;
    let last = 0;
    const named = edgeTypes.map((type) => NAMED_EDGES.has(type));
    for (let i = 0; i < edges.count; i++) {
      const row = edges.to[i] / length;
      if (!Number.isInteger(row) || row >= nodes.count) {
        throw new HeapSnapshotError('a reference leads nowhere');
      }
      edges.to[i] = row;
      if (named[edges.type[i]]) last = Math.max(last, edges.name[i]);
    }
    const namedNodes = nodeTypes.map((type) => NAMED_NODES.has(type));
    for (let i = 0; i < nodes.count; i++) {
      if (namedNodes[nodes.type[i]]) last = Math.max(last, nodes.name[i]);
    }
    // There are no more strings than nodes and references have names.
    if (last > nodes.count + edges.count) throw new HeapSnapshotError('a name is not there');
    this.#isName = new Uint8Array(last + 1);
    for (let i = 0; i < edges.count; i++) {
      if (named[edges.type[i]]) this.#isName[edges.name[i]] = 1;
    }
    for (let i = 0; i < nodes.count; i++) {
      if (namedNodes[nodes.type[i]]) this.#isName[nodes.name[i]] = 1;
    }
  }

  #endLocations(): void {
    const { length } = (this.#header ?? fail()).nodeFields;
    if (this.#locations.length % 4 !== 0) throw new HeapSnapshotError('a location is cut off');
    for (let i = 0; i < this.#locations.length; i += 4) this.#locations[i] /= length;
  }

  #readStrings(text: string, from: number): number {
    for (let at = from; at < text.length; at++) {
      if (!this.#isInString) {
        const code = text.charCodeAt(at);
        if (code === CLOSING) {
          this.#section = 'end';
          return text.length;
        }
        this.#isInString = code === QUOTE;
        continue;
      }
      const start = at;
      at = this.#endOfString(text, at);
      const isName = this.#isName[this.#strings.length] === 1;
      // One character more shows that it is too long.
      const room = LONGEST_NAME + 1 - this.#text.length;
      if (isName && room > 0) this.#text += text.slice(start, Math.min(at, start + room));
      if (at < text.length) this.#addString();
    }
    return text.length;
  }

  /** Where the closing quote is; the end of the text if it is not there. */
  #endOfString(text: string, from: number): number {
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === BACKSLASH) this.#isEscaped = true;
      else if (code === QUOTE) return at;
    }
    return text.length;
  }

  #addString(): void {
    this.#isInString = false;
    this.#strings.push(this.#text.length > LONGEST_NAME ? '' : unescape(this.#text));
    this.#text = '';
  }
}

function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    throw new HeapSnapshotError('a string is not JSON');
  }
}

function parseHeader(json: string): Header {
  try {
    const { snapshot } = JSON.parse(json) as { snapshot: RawHeader };
    const { meta } = snapshot;
    const [nodeTypes] = meta.node_types;
    const [edgeTypes] = meta.edge_types;
    const header = {
      nodeFields: names(meta.node_fields, 'type', 'name', 'id', 'self_size', 'edge_count'),
      edgeFields: names(meta.edge_fields, 'type', 'name_or_index', 'to_node'),
      nodeTypes: names(nodeTypes, 'object', 'closure'),
      edgeTypes: names(edgeTypes, 'context', 'property', 'internal', 'element', 'weak'),
      nodeCount: snapshot.node_count,
      edgeCount: snapshot.edge_count,
    };
    if (isCount(header.nodeCount) && isCount(header.edgeCount)) return header;
  } catch (error) {
    if (error instanceof HeapSnapshotError) throw error;
  }
  throw new HeapSnapshotError('the header of the heap snapshot is not as V8 writes it');
}

interface RawHeader {
  readonly meta: {
    readonly node_fields: unknown;
    readonly node_types: readonly unknown[];
    readonly edge_fields: unknown;
    readonly edge_types: readonly unknown[];
  };
  readonly node_count: number;
  readonly edge_count: number;
}

function names(value: unknown, ...needed: readonly string[]): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  for (const name of needed) {
    if (!list.includes(name)) throw new HeapSnapshotError(`the heap snapshot has no "${name}"`);
  }
  return list.map(String);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
}

function fail(): never {
  throw new HeapSnapshotError('the sections of the heap snapshot are out of order');
}
