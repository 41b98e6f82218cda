/** Limits for every phase of what goes through undici: its own API, and fetch. @packageDocumentation */
export {
  timeoutDispatcher,
  type TimeoutDispatcherOptions,
} from './http/undici/timeout-dispatcher.ts';
