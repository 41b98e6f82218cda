import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { findPython } from '../../test/kit/installed.ts';
import { sharesSockets } from './shared-sockets.ts';

const PARENT = `
import os, socket, subprocess, sys
with socket.socket() as held:
    held.set_inheritable(True)
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=sys.argv[1] == "alone")
    print("ready", flush=True)
    sys.stdin.readline()
    child.communicate()
`;

test.each([
  ['shared', true],
  ['alone', false],
])('sharesSockets() of a parent whose child is %s is %s', async (how, expected) => {
  const python = findPython('python3') ?? 'python3';
  const parent = spawn(python, ['-c', PARENT, how], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(parent, 'exit');
  await once(parent.stdout, 'data');
  try {
    expect(sharesSockets(parent.pid ?? 0)).toBe(expected);
  } finally {
    parent.stdin.end();
    await ended;
  }
});

test('sharesSockets() of a process that is gone is false', () => {
  expect(sharesSockets(0)).toBe(false);
});
