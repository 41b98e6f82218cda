// Read first: the Chrome DevTools Protocol, domains Runtime and Debugger (v8/include/js_protocol.pdl), and Node's NodeWorker
// (src/inspector/node_protocol.pdl). Only what lastack uses is declared.

/** A value of the target: a primitive in `value`, anything else under `objectId`, kept alive by its object group. */
export interface RemoteObject {
  readonly type: string;
  readonly value?: unknown;
  readonly objectId?: string;
  readonly description?: string;
}

/** Where something is in a script; both counted from 0. */
export interface ScriptPosition {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

export interface Property {
  readonly name: string;
  readonly value?: RemoteObject;
}

export interface Properties {
  readonly result: readonly Property[];
  readonly internalProperties?: readonly Property[];
}

export interface CallResult {
  readonly result: RemoteObject;
  readonly exceptionDetails?: { readonly text: string };
}

export interface CallFrame {
  readonly functionName: string;
  readonly location: ScriptPosition;
}

interface CallFunction {
  readonly objectId: string;
  readonly functionDeclaration: string;
  readonly arguments?: readonly { readonly value?: unknown; readonly objectId?: string }[];
  readonly returnByValue?: boolean;
  readonly objectGroup?: string;
}

interface Evaluate {
  readonly expression: string;
  readonly includeCommandLineAPI?: boolean;
  readonly returnByValue?: boolean;
  readonly objectGroup?: string;
}

/** Methods: their parameters and result. */
export interface Methods {
  'Runtime.evaluate': [Evaluate, CallResult];
  'Runtime.callFunctionOn': [CallFunction, CallResult];
  'Runtime.getProperties': [{ objectId: string; ownProperties: true }, Properties];
  'Runtime.releaseObjectGroup': [{ objectGroup: string }, object];
  'Runtime.getHeapUsage': [object, { usedSize: number }];
  'Runtime.queryObjects': [
    { prototypeObjectId: string; objectGroup: string },
    { objects: RemoteObject },
  ];
  'HeapProfiler.takeHeapSnapshot': [{ reportProgress: false }, object];
  'HeapProfiler.getHeapObjectId': [{ objectId: string }, { heapSnapshotObjectId: string }];
  'Debugger.enable': [object, object];
  'Debugger.disable': [object, object];
  'Debugger.pause': [object, object];
  'Debugger.resume': [object, object];
  'Debugger.getScriptSource': [{ scriptId: string }, { scriptSource: string }];
  'NodeWorker.enable': [{ waitForDebuggerOnStart: false }, object];
  'NodeWorker.disable': [object, object];
  'NodeWorker.sendMessageToWorker': [{ sessionId: string; message: string }, object];
}

/** Events and what they carry. */
export interface Events {
  'Debugger.scriptParsed': { scriptId: string; url: string; sourceMapURL?: string };
  'HeapProfiler.addHeapSnapshotChunk': { chunk: string };
  'Debugger.paused': { callFrames: readonly CallFrame[] };
  'NodeWorker.attachedToWorker': { sessionId: string; workerInfo: { title: string } };
  'NodeWorker.receivedMessageFromWorker': { sessionId: string; message: string };
}
