import { OBJECT_GROUP } from './inspector.ts';
import type { RemoteObject } from './protocol.ts';
import { InspectorError, type Session } from './session.ts';
import { makeProbe } from './target/probe.ts';

type Probe = ReturnType<typeof makeProbe>;

/** What of the target the probe is given; only built-in modules, which getBuiltinModule() gives without running the program's hooks. */
const ARGUMENTS = `
  (process.getBuiltinModule ?? require)('util').types,
  process._getActiveHandles(),
  [process],
  {
    'the connection pool of fetch()':
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
      expression: `(${String(makeProbe)})(${ARGUMENTS}, ${JSON.stringify(fds)})`,
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

  found(): Promise<ReturnType<Probe['found']>> {
    return this.#value('found', []);
  }

  walk(budget: number): Promise<ReturnType<Probe['walk']>> {
    return this.#value('walk', [budget]);
  }

  async listenersOfSocket(index: number): Promise<readonly RemoteFunction[]> {
    return this.#listeners('listenersOfSocket', index);
  }

  async otherListeners(limit: number): Promise<readonly RemoteFunction[]> {
    return this.#listeners('otherListeners', limit);
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
    return (await this.#elements(array)).map((objectId) => ({ objectId, label: '' }));
  }

  /** @param first what the walk will call the first of them; the others follow */
  async addScopes(first: number, objectIds: readonly string[]): Promise<void> {
    await this.#session.call('Runtime.callFunctionOn', {
      objectId: this.#objectId,
      functionDeclaration: 'function (first, ...scopes) { this.addScopes(first, scopes); }',
      arguments: [{ value: first }, ...objectIds.map((objectId) => ({ objectId }))],
    });
  }

  async #listeners(method: 'listenersOfSocket' | 'otherListeners', argument: number) {
    const { result } = await this.#session.call('Runtime.callFunctionOn', {
      objectId: this.#objectId,
      functionDeclaration: `function (argument) {
        const listeners = this.${method}(argument);
        return [JSON.stringify(listeners.map(({ label }) => label)), ...listeners.map(({ listener }) => listener)];
      }`,
      arguments: [{ value: argument }],
      objectGroup: OBJECT_GROUP,
    });
    const properties = await this.#propertiesOf(result);
    const text = properties[0]?.value;
    const labels = (typeof text === 'string' ? JSON.parse(text) : []) as readonly string[];
    return properties
      .slice(1)
      .flatMap(({ objectId }, i) =>
        objectId === undefined ? [] : [{ objectId, label: labels[i] ?? '' }],
      );
  }

  async #elements(array: RemoteObject): Promise<readonly string[]> {
    const values = await this.#propertiesOf(array);
    return values.flatMap(({ objectId }) => (objectId === undefined ? [] : [objectId]));
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
    values: readonly { readonly value?: unknown }[],
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
