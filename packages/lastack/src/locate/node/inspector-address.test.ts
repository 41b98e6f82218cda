import { describe, expect, test } from 'vitest';
import { parseTarget } from './connect.ts';
import { parseInspectorAddress } from './inspector-address.ts';

describe('parseInspectorAddress()', () => {
  test('reads where an inspector is, or would be', () => {
    expect(parseInspectorAddress([])).toEqual({ isOpen: false, port: 9229 });
    expect(parseInspectorAddress(['--inspect'])).toEqual({ isOpen: true, port: 9229 });
    expect(parseInspectorAddress(['--inspect=0.0.0.0:9300'])).toEqual({ isOpen: true, port: 9300 });
    expect(parseInspectorAddress(['--inspect-brk=[::1]:1'])).toEqual({ isOpen: true, port: 1 });
    expect(parseInspectorAddress(['--inspect-port', '9301'])).toEqual({
      isOpen: false,
      port: 9301,
    });
    expect(parseInspectorAddress(['--inspect=9302', '--inspect-port=9303']).port).toBe(9303);
    expect(parseInspectorAddress(['--inspect=localhost']).port).toBe(9229);
  });
});

describe('parseTarget()', () => {
  test("takes the path of the target's WebSocket, whatever else is there", () => {
    const list = '[{"webSocketDebuggerUrl":"ws://127.0.0.1:9229/6f5c-1"}]';
    expect(parseTarget(list)).toBe('/6f5c-1');
    for (const text of ['', '[]', '[{}]', '{}', '[{"webSocketDebuggerUrl":7}]']) {
      expect(parseTarget(text), text).toBeNull();
    }
  });
});
