import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseContainer } from './container.ts';

const ID = '3f4e1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7';
const SHORT = '3f4e1a2b3c4d';
const POD = 'pod0c4bd1f2_8a0e_4b26_9b1e_2d9c1d6c2a11';

/** The shapes that the runtimes write, with an invented id; version 1 has a line for each hierarchy. */
test.each([
  ['docker, v2, systemd', `0::/system.slice/docker-${ID}.scope\n`, 'docker', SHORT],
  ['docker, v2, cgroupfs', `0::/docker/${ID}\n`, 'docker', SHORT],
  [
    'docker, v1',
    `12:pids:/docker/${ID}\n11:cpu,cpuacct:/docker/${ID}\n1:name=systemd:/docker/${ID}\n0::/\n`,
    'docker',
    SHORT,
  ],
  ['docker, v2, its own init system', `0::/docker/${ID}/init.scope\n`, 'docker', SHORT],
  [
    'kubernetes with containerd, v2',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${POD}.slice/cri-containerd-${ID}.scope\n`,
    'containerd',
    SHORT,
  ],
  [
    'kubernetes with containerd, v1',
    `11:memory:/system.slice/containerd.service/kubepods-besteffort-${POD}.slice:cri-containerd:${ID}\n`,
    'containerd',
    SHORT,
  ],
  [
    'kubernetes with cgroupfs',
    `0::/kubepods/besteffort/pod0c4bd1f2-8a0e-4b26-9b1e-2d9c1d6c2a11/${ID}\n`,
    'container',
    SHORT,
  ],
  [
    'kubernetes with CRI-O',
    `0::/kubepods.slice/kubepods-${POD}.slice/crio-${ID}.scope/container\n`,
    'cri-o',
    SHORT,
  ],
  ['nerdctl', `0::/system.slice/nerdctl-${ID}.scope\n`, 'containerd', SHORT],
  ['podman, root', `0::/machine.slice/libpod-${ID}.scope/container\n`, 'podman', SHORT],
  [
    'podman, rootless',
    `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope\n`,
    'podman',
    SHORT,
  ],
  ['podman, cgroupfs', `0::/libpod_parent/libpod-${ID}\n`, 'podman', SHORT],
  [
    'nspawn by machinectl',
    '0::/machine.slice/systemd-nspawn@web.service/payload\n',
    'nspawn',
    'web',
  ],
  [
    'nspawn by hand',
    '0::/machine.slice/machine-web\\x2dtest.scope/payload\n',
    'nspawn',
    'web-test',
  ],
  ['lxc 4 and later', '0::/lxc.payload.web/system.slice/ssh.service\n', 'lxc', 'web'],
  ['lxc 2', '4:memory:/lxc/web\n', 'lxc', 'web'],
  ['lxc with a folder', '0::/lxc.payload/web\n', 'lxc', 'web'],
  ['docker in kubernetes', `0::/kubepods/podx/${'a'.repeat(64)}/docker/${ID}\n`, 'docker', SHORT],
  ['seen from a cgroup namespace', `0::/../../docker-${ID}.scope\n`, 'docker', SHORT],
])('parseContainer() recognizes %s', (_, cgroup, runtime, name) => {
  expect(parseContainer(cgroup)).toEqual({ runtime, name });
});

test.each([
  ['nothing', ''],
  ['the root', '0::/\n'],
  ['a service', '0::/system.slice/ssh.service\n'],
  ['a user', '1:name=systemd:/user.slice/user-0.slice/session-1.scope\n0::/user.slice\n'],
  ['the docker daemon', '0::/system.slice/docker.service\n'],
  ["podman's monitor", `0::/machine.slice/libpod-conmon-${ID}.scope\n`],
  ["CRI-O's monitor", `0::/kubepods.slice/crio-conmon-${ID}.scope\n`],
  ["lxc's monitor", '0::/lxc.monitor.web\n'],
  ['an id of 32 digits', `0::/docker/${ID.slice(32)}\n`],
])('parseContainer() takes %s for no container', (_, cgroup) => {
  expect(parseContainer(cgroup)).toBeNull();
});

test('parseContainer() gives null or a name for any text', () => {
  const piece = fc.constantFrom(
    '0:',
    ':',
    '/',
    'lxc',
    'docker',
    ID,
    'machine-',
    '.scope',
    '\\x2d',
    '\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
      const container = parseContainer(pieces.join(''));
      expect(container === null || container.name.length > 0).toBe(true);
    }),
  );
});
