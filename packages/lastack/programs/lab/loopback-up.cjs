// Loaded in a new network namespace, whose loopback device is down.
const koffi = require('koffi');

const libc = koffi.load('libc.so.6');
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;

// struct ifreq: the name, then the flags.
const request = Buffer.alloc(40);
request.write('lo');
request.writeUInt16LE(IFF_UP | IFF_RUNNING, 16);
const fd = libc.func('int socket(int, int, int)')(AF_INET, SOCK_DGRAM, 0);
const status = libc.func('int ioctl(int, unsigned long, void *)')(fd, SIOCSIFFLAGS, request);
if (status !== 0) throw new Error(`Cannot bring up lo: errno ${koffi.errno()}`);
libc.func('int close(int)')(fd);
