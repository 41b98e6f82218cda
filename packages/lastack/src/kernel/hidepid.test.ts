import { expect, test } from 'vitest';
import { hiddenProcesses, parseHidepid } from './hidepid.ts';

const ROOT = '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n';

test('parseHidepid() reads the option by its old and its new names', () => {
  const cases = {
    rw: 'off',
    'rw,hidepid=0': 'off',
    'rw,gid=10,hidepid=1': 'noaccess',
    'rw,hidepid=2,gid=10': 'invisible',
    'rw,hidepid=invisible': 'invisible',
    'rw,hidepid=noaccess,subset=pid': 'noaccess',
    'rw,hidepid=ptraceable': 'ptraceable',
    'rw,hidepid=4': 'ptraceable',
    'rw,hidepid=99': 'off',
  };
  for (const [options, hidepid] of Object.entries(cases)) {
    const line = `22 27 0:21 / /proc rw,nosuid shared:5 - proc proc ${options}\n`;
    expect(parseHidepid(ROOT + line, '/proc'), options).toBe(hidepid);
  }
});

test('parseHidepid() takes the last mount on the path, and no other path', () => {
  const open = '22 27 0:21 / /proc rw - proc proc rw\n';
  const hiding = '23 22 0:22 / /proc rw - proc proc rw,hidepid=2\n';
  const other = '24 27 0:23 / /srv/proc rw - proc proc rw,hidepid=2\n';
  expect(parseHidepid(ROOT + open + hiding, '/proc')).toBe('invisible');
  expect(parseHidepid(ROOT + hiding + open, '/proc')).toBe('off');
  expect(parseHidepid(ROOT + open + other, '/proc')).toBe('off');
  expect(parseHidepid('', '/proc')).toBe('off');
  expect(parseHidepid('garbage\n- - -\n a - proc', '/proc')).toBe('off');
});

test('hiddenProcesses() has nothing to say to root, nor where all show', () => {
  expect(hiddenProcesses('/proc', 0)).toBeNull();
  expect(hiddenProcesses('/nowhere', 1000)).toBeNull();
});
