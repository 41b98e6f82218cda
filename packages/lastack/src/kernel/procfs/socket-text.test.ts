import {
  formatAddress,
  localBytesOf,
  localPortOf,
  remoteBytesOf,
  remotePortOf,
  stateOf,
  type SocketTable,
} from '@lastack/core';
import { expect, test } from 'vitest';
import { readSocketText } from './socket-text.ts';
import { startProgram } from './testing/program.ts';

/** Makes a socket of most states, in a namespace of its own, and has `ss` list them. */
const SOCKETS = `
import fcntl, json, shutil, socket, struct, subprocess, time
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(control, 0x8914, struct.pack('16sh14x', b'lo', 1))  # SIOCSIFFLAGS, IFF_UP
keep = []
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    try: server = socket.create_server((address, 0), family=family)
    except OSError: continue
    def connect(accept=True):
        client = socket.create_connection(server.getsockname()[:2])
        peer = server.accept()[0] if accept else None
        keep.extend((client, peer))
        return client, peer
    connect()
    client, peer = connect(); client.sendall(b'unread'); client.close()
    client, peer = connect(); client.close(); peer.recv(1); peer.close()
    client, peer = connect(); client.shutdown(socket.SHUT_WR)
    connect(accept=False)
    keep.append(server)
ss = shutil.which('ss', path='/usr/sbin:/sbin:/usr/bin:/bin')
def listed(): return subprocess.run([ss, '-tanHn'], capture_output=True, text=True).stdout.splitlines()
# Until every FIN is acknowledged.
while ss and any('FIN-WAIT-1' in line for line in listed()): time.sleep(0.01)
lines = listed() if ss else None
print('ready', json.dumps(lines), flush=True)
time.sleep(600)
`;

/** A row as ss prints it; the limit of an accept queue is not in the text. */
function describe(table: SocketTable, row: number): string {
  const state = stateOf(table, row);
  const local = formatAddress(localBytesOf(table, row));
  const remote = formatAddress(remoteBytesOf(table, row));
  const ends = [
    `${local} ${localPortOf(table, row)}`,
    `${remote} ${state === 'LISTEN' ? '*' : remotePortOf(table, row)}`,
  ];
  return [state, table.recvQ[row], table.sendQ[row], ...ends].join(' ');
}

/** `ESTAB 0 0 [::1]:80 [::1]:90` in the words of `describe()`. */
function fromSs(line: string): string {
  const [name, recvQ, sendQ, ...ends] = line.split(/\s+/);
  const state = { ESTAB: 'ESTABLISHED', 'SYN-RECV': 'SYN-RECEIVED' }[name] ?? name;
  const split = ends
    .filter((end) => end !== '')
    .map((end) => end.replace(/^\[?([^\]]*)\]?:(\d+|\*)$/, '$1 $2'));
  return [state, recvQ, state === 'LISTEN' ? 0 : sendQ, ...split].join(' ');
}

test('readSocketText() shows the sockets that ss shows', async (ctx) => {
  const asUser = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const unshare = [...asUser, '--net'];
  await using python =
    (await startProgram('unshare', [...unshare, 'python3', '-c', SOCKETS])) ??
    ctx.skip('no network namespace for a Python program: install python3 and run as root');
  const lines = JSON.parse(python.ready) as string[] | null;
  if (lines === null) ctx.skip('ss is missing: install iproute2');
  const table = readSocketText(`/proc/${python.pid}/net`, 7);
  if (table.kind !== 'ok') throw new Error(table.reason);
  const rows = Array.from({ length: table.value.count }, (_, row) => describe(table.value, row));
  expect(rows.toSorted()).toEqual((lines ?? []).map(fromSs).toSorted());
  expect(rows.length).toBeGreaterThanOrEqual(9);
  expect(table.value.netns[0]).toBe(7);
});

test('readSocketText() says that there is no such process', () => {
  expect(readSocketText('/proc/99999999/net', 7)).toMatchObject({
    kind: 'unavailable',
    reason: 'there is no /proc/99999999/net/tcp',
  });
});
