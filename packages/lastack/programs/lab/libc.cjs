// The C library's socket calls, for the programs of the lab that do what Node never does. A call that fails throws.
const { getSystemErrorName } = require('node:util');
const koffi = require('koffi');

const libc = koffi.load('libc.so.6');
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ATTACH_FILTER = 26;
const MSG_NOSIGNAL = 0x4000;
const INT_BYTES = 4;

/** A system call that throws an error with the kernel's code. */
function call(prototype) {
  const func = libc.func(prototype);
  const [, name] = /(\w+)\(/.exec(prototype);
  return (...args) => {
    const result = Number(func(...args));
    if (result >= 0) return result;
    const code = getSystemErrorName(-koffi.errno());
    throw Object.assign(new Error(`${name}: ${code}`), { code });
  };
}

const socket = call('int socket(int, int, int)');
const bind = call('int bind(int, const void *, uint32_t)');
const connect = call('int connect(int, const void *, uint32_t)');
const accept = call('int accept4(int, void *, void *, int)');
const send = call('intptr_t send(int, const void *, size_t, int)');
const recv = call('intptr_t recv(int, void *, size_t, int)');
const setsockopt = call('int setsockopt(int, int, int, const void *, uint32_t)');
const listen = call('int listen(int, int)');
const close = call('int close(int)');
const addressOf = libc.func('uintptr_t memmove(void *, const void *, size_t)');

/** struct sockaddr_in of an address of loopback. */
function sockaddr(port, host) {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  for (const [i, byte] of host.split('.').entries()) address[4 + i] = Number(byte);
  return address;
}

function int(value) {
  const bytes = Buffer.alloc(INT_BYTES);
  bytes.writeInt32LE(value);
  return bytes;
}

module.exports = {
  close,
  /** A TCP socket that blocks. */
  tcpSocket: () => socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
  reuseAddress: (fd) => setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, int(1), INT_BYTES),
  bindTo: (fd, port, host = '127.0.0.1') => bind(fd, sockaddr(port, host), 16),
  connectTo: (fd, port, host = '127.0.0.1') => connect(fd, sockaddr(port, host), 16),
  listen,
  accept: (fd) => accept(fd, null, null, SOCK_CLOEXEC),
  send: (fd, text) => send(fd, Buffer.from(text), Buffer.byteLength(text), MSG_NOSIGNAL),
  /** What one recv() gives; '' is the end of the stream. */
  receive(fd) {
    const buffer = Buffer.from(new ArrayBuffer(65_536));
    return buffer.toString('utf8', 0, recv(fd, buffer, buffer.length, 0));
  },
  /**
   * From now on nothing that arrives reaches the socket, as if the cable had been cut: a filter (socket(7), SO_ATTACH_FILTER)
   * that takes no packet. On a listener it drops the SYNs.
   */
  deafen(fd) {
    // struct sock_filter: BPF_RET | BPF_K, 0.
    const filter = Buffer.from(new ArrayBuffer(8));
    filter.writeUInt16LE(6, 0);
    // struct sock_fprog: how many instructions, and where.
    const program = Buffer.from(new ArrayBuffer(16));
    program.writeUInt16LE(1, 0);
    program.writeBigUInt64LE(BigInt(addressOf(filter, filter, 0)), 8);
    try {
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 16);
    } catch ({ code }) {
      // What starts us takes it for a reason to skip the scenario.
      console.log(`cannot drop what arrives for a socket here (SO_ATTACH_FILTER: ${code})`);
      process.exit();
    }
  },
};
