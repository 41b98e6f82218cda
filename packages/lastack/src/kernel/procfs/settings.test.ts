import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('readSettings() reads the sysctls in force', () => {
  const settings = readSettings({ fileRoot: '/nowhere' });
  if (settings.kind !== 'ok') throw new Error(settings.reason);
  const { values, configured } = settings.value;
  expect(values['net.ipv4.ip_local_port_range']).toMatch(/^\d+ \d+$/);
  expect(values['net.ipv4.tcp_fin_timeout']).toMatch(/^\d+$/);
  expect(values['net.core.somaxconn']).toMatch(/^\d+$/);
  expect(configured).toEqual([]);
});

test('readSettings() leaves out what the kernel lacks', () => {
  expect(readSettings({ procRoot: '/nowhere', fileRoot: '/nowhere' })).toEqual({
    kind: 'ok',
    value: { values: {}, configured: [] },
  });
});
