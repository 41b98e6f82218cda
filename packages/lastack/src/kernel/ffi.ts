import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { seen, unavailable, type Observation } from '@lastack/core';
import type { LibraryHandle } from 'koffi';

/**
 * The C library, as far as lastack calls it. Calls return what C returns; after −1 read `errno()` before any other call.
 * Buffers must be allocated with `foreignBuffer()`: memory of Node's pool may move or be shared.
 */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  send(fd: number, message: Uint8Array, length: number, flags: number): number;
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  setns(fd: number, type: number): number;
  read(fd: number, buffer: Uint8Array, length: number): number;
  close(fd: number): number;
  /** fcntl(2) with an integer argument. */
  fcntl(fd: number, command: number, argument: number): number;
  /** readv(2) in a thread of libuv's pool: the main thread goes on meanwhile. */
  readvInThread(fd: number, vectors: Uint8Array, count: number): Promise<number>;
  /**
   * mmap(2), shared, as memory that stays until `unmap()`; null when it failed.
   * @param writable else it can be read only
   */
  map(bytes: number, writable: boolean, fd: number, offset: number): ArrayBuffer | null;
  /** munmap(2) of what `map()` gave; the memory must not be used afterwards. */
  unmap(memory: ArrayBuffer): void;
  /** bpf(2). */
  bpf(command: number, attributes: Uint8Array, size: number): number;
  getdents64(fd: number, buffer: Uint8Array, length: number): number;
  /** @param path address of a C string, see `addressOf()` */
  readlinkat(fd: number, path: number, buffer: number, length: number): number;
  /** The name of a network device of our own namespace, or null. */
  deviceName(index: number): string | null;
  /** The index of a network device of our own namespace; 0 for none. */
  deviceIndex(name: string): number;
  /** The address of a foreign buffer's first byte. */
  addressOf(buffer: Uint8Array): number;
  errno(): number;
}

const IF_NAMESIZE = 16;

type Koffi = Pick<typeof import('koffi'), 'load' | 'errno' | 'view' | 'address'>;

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
/** MAP_FAILED: (void *) −1. */
const MAP_FAILED = 0xffffffffffffffffn;

/** Numbers of system calls without a wrapper in every C library: [bpf, getdents64]. */
const SYSCALLS: Readonly<Record<string, readonly [bpf: number, getdents64: number]>> = {
  x64: [321, 217],
  arm64: [280, 61],
};

let loaded: Observation<Libc> | undefined;

/** Memory that foreign calls may write to: its own ArrayBuffer, 8-byte aligned. */
export function foreignBuffer(bytes: number): Buffer<ArrayBuffer> {
  return Buffer.from(new ArrayBuffer(bytes));
}

/** Loads the FFI once; an unavailable one is an observation, not an error. */
export function loadLibc(): Observation<Libc> {
  loaded ??= tryLoad();
  return loaded;
}

function tryLoad(): Observation<Libc> {
  if (process.env['LASTACK_NO_FFI'] === '1') {
    return unavailable('the FFI is switched off by LASTACK_NO_FFI=1', 'unset LASTACK_NO_FFI');
  }
  try {
    const koffi = loadKoffi();
    return seen(declare(koffi, koffi.load('libc.so.6')));
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return unavailable(
      `the FFI did not load (${reason})`,
      'reinstall lastack with its dependency koffi',
    );
  }
}

/** koffi's JavaScript entry takes 6–9 ms to look for its addon; loading the addon directly takes 0.8 ms. */
function loadKoffi(): Koffi {
  const require = createRequire(import.meta.url);
  const platform = `linux-${process.arch}`;
  try {
    const entry = require.resolve(`@koromix/koffi-${platform}`);
    const addon = { exports: {} };
    process.dlopen(addon, join(dirname(entry), platform.replace('-', '_'), 'koffi.node'));
    return addon.exports as Koffi;
  } catch {
    return require('koffi') as Koffi;
  }
}

function declare(koffi: Koffi, libc: LibraryHandle): Libc {
  const numbers = SYSCALLS[process.arch];
  if (numbers === undefined) throw new Error(`no system call numbers for ${process.arch}`);
  const [bpf, getdents64] = numbers;
  const syscall = libc.func('long syscall(long, long, void *, unsigned long)');
  const moved = libc.func('uintptr_t memmove(void *, const void *, size_t)');
  const indexToName = libc.func('void *if_indextoname(unsigned int, void *)');
  const mmap = libc.func('void *mmap(void *, size_t, int, int, int, intptr_t)');
  const munmap = libc.func('int munmap(uintptr_t, size_t)');
  const mapped = new WeakMap<ArrayBuffer, bigint>();
  const readv = libc.func('intptr_t readv(int, void *, int)');
  return {
    socket: libc.func('int socket(int, int, int)'),
    bind: libc.func('int bind(int, const void *, uint32_t)'),
    send: libc.func('intptr_t send(int, const void *, size_t, int)'),
    recv: libc.func('intptr_t recv(int, void *, size_t, int)'),
    setsockopt: libc.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    setns: libc.func('int setns(int, int)'),
    read: libc.func('intptr_t read(int, void *, size_t)'),
    close: libc.func('int close(int)'),
    fcntl: libc.func('int fcntl(int, int, int)'),
    readvInThread: (fd, vectors, count) =>
      new Promise((resolve, reject) => {
        readv.async(fd, vectors, count, (error: Error | null, result: number) => {
          if (error) reject(error);
          else resolve(result);
        });
      }),
    map: (bytes, writable, fd, offset) => {
      const protection = PROT_READ | (writable ? PROT_WRITE : 0);
      const pointer = mmap(null, bytes, protection, MAP_SHARED, fd, offset) as unknown;
      const address = koffi.address(pointer);
      if (address === MAP_FAILED) return null;
      const memory = koffi.view(pointer, bytes);
      mapped.set(memory, address);
      return memory;
    },
    unmap: (memory) => {
      munmap(mapped.get(memory), memory.byteLength);
      mapped.delete(memory);
    },
    bpf: (command, attributes, size) => syscall(bpf, command, attributes, size) as number,
    getdents64: (fd, buffer, length) => syscall(getdents64, fd, buffer, length) as number,
    readlinkat: libc.func('intptr_t readlinkat(int, uintptr_t, uintptr_t, size_t)'),
    deviceName: (index) => {
      const name = foreignBuffer(IF_NAMESIZE);
      return indexToName(index, name) === null ? null : name.toString('latin1').split('\0')[0];
    },
    deviceIndex: libc.func('unsigned int if_nametoindex(const char *)'),
    addressOf: (buffer) => moved(buffer, buffer, 0) as number,
    errno: () => koffi.errno(),
  };
}
