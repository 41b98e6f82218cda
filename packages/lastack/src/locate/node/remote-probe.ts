import type { RemoteScope } from './function-site.ts';
import { OBJECT_GROUP } from './inspector.ts';
import type { RemoteObject } from './protocol.ts';
import { InspectorError, type Session } from './session.ts';
import { makeAnswers } from './target/answers.ts';
import { makeProbe } from './target/probe.ts';

type Probe = ReturnType<typeof makeProbe>;

/** What of the target the probe is given; only built-in modules, which getBuiltinModule() gives without running the program's hooks. */
const ARGUMENTS = `
  (process.getBuiltinModule ?? require)('util').types,
  process._getActiveHandles(),
  [process],
  {
    'the connection pool of fetch() and undici':
      globalThis[Symbol.for('undici.globalDispatcher.2')] ??
      globalThis[Symbol.for('undici.globalDispatcher.1')],
    'http.globalAgent': (process.getBuiltinModule ?? require)('http').globalAgent,
    'https.globalAgent': (process.getBuiltinModule ?? require)('https').globalAgent,
  },
  (process.getBuiltinModule ?? require)('module')._cache`;

/** A function of the target, and what led to it. */
export interface RemoteFunction {
  readonly objectId: string;
  readonly label: string;
  /** Its source, as V8 gives it along. */
  readonly source: string;
}

/** The probe inside of the target, and what lastack asks it. */
export class RemoteProbe {
  readonly #session: Session;
  readonly #objectId: string;

  private constructor(session: Session, objectId: string) {
    this.#session = session;
    this.#objectId = objectId;
  }

  /** Puts the probe into the target and lets it look for the sockets. */
  static async start(session: Session, fds: readonly number[]): Promise<RemoteProbe> {
    const { result } = await session.call('Runtime.evaluate', {
      expression: `(${String(makeProbe)})(${String(makeAnswers)}, ${ARGUMENTS}, ${JSON.stringify(fds)})`,
      includeCommandLineAPI: true,
      objectGroup: OBJECT_GROUP,
    });
    if (result.objectId === undefined) {
      throw new InspectorError(`the probe did not start: ${result.description ?? result.type}`);
    }
    const probe = new RemoteProbe(session, result.objectId);
    while (await probe.#value('findMore', [])) if (session.timeLeftMs <= 0) break;
    return probe;
  }

  /**
   * Looks for the sockets among more objects.
   * @param objects an array of the target
   */
  async findAmong({ objectId }: RemoteObject): Promise<void> {
    if (objectId === undefined) return;
    await this.#call('addHandles', [{ objectId }]);
    while (await this.#value('findMore', [])) if (this.#session.timeLeftMs <= 0) break;
  }

  found(): Promise<ReturnType<Probe['found']>> {
    return this.#value('found', []);
  }

  /** A socket that was found, as an object of the target. */
  async socketOf(index: number): Promise<string | null> {
    return (await this.#call('socketOf', [{ value: index }])).objectId ?? null;
  }

  walk(budget: number): Promise<ReturnType<Probe['walk']>> {
    return this.#value('walk', [budget]);
  }

  listenersOfSocket(index: number): Promise<readonly RemoteFunction[]> {
    return this.#listeners('listenersOfSocket', [{ value: index }]);
  }

  otherListeners(limit: number): Promise<readonly RemoteFunction[]> {
    return this.#listeners('otherListeners', [{ value: limit }]);
  }

  /** @param scopes of a function of node:timers, which close over all timers */
  timerListeners(scopes: readonly RemoteScope[]): Promise<readonly RemoteFunction[]> {
    return this.#listeners('timerListeners', [], scopes);
  }

  /** Functions in few steps from those scopes, nearest first. */
  functionsNear(scopes: readonly RemoteScope[]): Promise<readonly RemoteFunction[]> {
    return this.#listeners('functionsNear', [], scopes);
  }

  /** Timers of Node's own making, by which those of the program are found. */
  async timerFunction(): Promise<string | null> {
    const { result } = await this.#session.call('Runtime.evaluate', {
      expression: `(process.getBuiltinModule ?? require)('timers').setTimeout`,
      includeCommandLineAPI: true,
      objectGroup: OBJECT_GROUP,
    });
    return result.objectId ?? null;
  }

  async fetchFunction(index: number): Promise<string | null> {
    return (await this.#call('fetchFunction', [{ value: index }])).objectId ?? null;
  }

  /** @returns the function whose scopes `addResponse()` needs */
  async addFetch(index: number, scopes: readonly RemoteScope[]): Promise<string | null> {
    return (await this.#callWithScopes('addFetch', index, scopes)).objectId ?? null;
  }

  async addResponse(index: number, scopes: readonly RemoteScope[]): Promise<void> {
    await this.#callWithScopes('addResponse', index, scopes);
  }

  /** Adds the places where the walk can begin at once, and says what they are. */
  async addPlaces(): Promise<readonly { readonly label: string; readonly isPool: boolean }[]> {
    const { result } = await this.#session.call('Runtime.callFunctionOn', {
      objectId: this.#objectId,
      functionDeclaration: `function () {
        const places = this.places();
        this.addRoots(0, places.map(({ value }) => value));
        return places.map(({ label, isPool }) => ({ label, isPool }));
      }`,
      returnByValue: true,
    });
    return result.value as readonly { readonly label: string; readonly isPool: boolean }[];
  }

  async takeFunctions(count: number): Promise<readonly RemoteFunction[]> {
    const array = await this.#call('takeFunctions', [{ value: count }]);
    return (await this.#propertiesOf(array)).flatMap(({ objectId, description = '' }) =>
      objectId === undefined ? [] : [{ objectId, label: '', source: description }],
    );
  }

  /**
   * @param first what the walk will call the first of them; the others follow
   * @param isOwn whether they are of the user's own code
   */
  async addScopes(first: number, isOwn: boolean, scopes: readonly RemoteScope[]): Promise<void> {
    await this.#callWithScopes(isOwn ? 'addOwnScopes' : 'addScopes', first, scopes);
  }

  #callWithScopes(
    method: 'addOwnScopes' | 'addScopes' | 'addFetch' | 'addResponse',
    argument: number,
    scopes: readonly RemoteScope[],
  ): Promise<RemoteObject> {
    const values = [{ value: argument }, ...scopes.map(({ objectId }) => ({ objectId }))];
    return this.#call(method, values);
  }

  async #listeners(
    method: 'listenersOfSocket' | 'otherListeners' | 'timerListeners' | 'functionsNear',
    argument: readonly { readonly value: number }[],
    scopes: readonly RemoteScope[] = [],
  ): Promise<readonly RemoteFunction[]> {
    const { result } = await this.#session.call('Runtime.callFunctionOn', {
      objectId: this.#objectId,
      functionDeclaration: `function (...values) {
        const listeners = this.${method}(...values);
        return [JSON.stringify(listeners.map(({ label }) => label)), ...listeners.map(({ listener }) => listener)];
      }`,
      arguments: [...argument, ...scopes.map(({ objectId }) => ({ objectId }))],
      objectGroup: OBJECT_GROUP,
    });
    const properties = await this.#propertiesOf(result);
    const text = properties[0]?.value;
    const labels = (typeof text === 'string' ? JSON.parse(text) : []) as readonly string[];
    return properties
      .slice(1)
      .flatMap(({ objectId, description = '' }, i) =>
        objectId === undefined ? [] : [{ objectId, label: labels[i] ?? '', source: description }],
      );
  }

  async #propertiesOf({ objectId }: RemoteObject): Promise<readonly RemoteObject[]> {
    if (objectId === undefined) return [];
    const { result } = await this.#session.call('Runtime.getProperties', {
      objectId,
      ownProperties: true,
    });
    return result.flatMap(({ name, value }) =>
      /^\d+$/.test(name) && value !== undefined ? [value] : [],
    );
  }

  async #value<Name extends 'found' | 'walk' | 'findMore'>(
    method: Name,
    values: readonly unknown[],
  ): Promise<ReturnType<Probe[Name]>> {
    const { value } = await this.#call(
      method,
      values.map((value) => ({ value })),
      true,
    );
    return value as ReturnType<Probe[Name]>;
  }

  async #call(
    method: string,
    values: readonly { readonly value?: unknown; readonly objectId?: string }[],
    returnByValue = false,
  ): Promise<RemoteObject> {
    const { result, exceptionDetails } = await this.#session.call('Runtime.callFunctionOn', {
      objectId: this.#objectId,
      functionDeclaration: `function (...values) { return this.${method}(...values); }`,
      arguments: values,
      returnByValue,
      ...(returnByValue ? {} : { objectGroup: OBJECT_GROUP }),
    });
    if (exceptionDetails !== undefined) throw new InspectorError(`${method} failed in the target`);
    return result;
  }
}
