'use strict';
// The records of one process, in a sparse file that `lastack` reads while the program runs: slot n is of descriptor n.
// A slot: the socket's inode (u64), the length of the text (u32), the text, the inode again. Little-endian. The inode says
// which socket it is about, so a slot needs no clearing: an inode is not used again.
const { constants, fstatSync, openSync, writeFileSync, writeSync } = require('node:fs');

const SLOT_BYTES = 2048;
const HEAD_BYTES = 12;
const TAIL_BYTES = 8;
const MOST_TEXT = SLOT_BYTES - HEAD_BYTES - TAIL_BYTES;

const path = `${process.env.LASTACK_RUN_DIR}/${process.pid}`;
const slot = Buffer.alloc(SLOT_BYTES);
let file = null;

/** @param kind `connect` or `accept` */
function writeRecord(fd, kind, text) {
  // Threads of one process share its descriptors, and so its file: nobody may empty it.
  file ??= openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  const inode = fstatSync(fd).ino;
  const length = slot.write(`${kind}\n${text}`, HEAD_BYTES, MOST_TEXT);
  writeInode(inode, 0);
  slot.writeUInt32LE(length, 8);
  writeInode(inode, HEAD_BYTES + length);
  writeSync(file, slot, 0, HEAD_BYTES + length + TAIL_BYTES, fd * SLOT_BYTES);
}

function writeInode(inode, at) {
  slot.writeUInt32LE(inode % 2 ** 32, at);
  slot.writeUInt32LE(Math.floor(inode / 2 ** 32), at + 4);
}

/** The program's name, then what was open at the end, a line each: fd, inode, peer. */
function writeExitNote(open) {
  const lines = open.map(({ fd, remoteAddress, remotePort }) =>
    [fd, fstatSync(fd).ino, remoteAddress ?? '', remotePort ?? ''].join('\t'),
  );
  const program = process.execPath.split('/').at(-1);
  writeFileSync(`${path}.exit`, `${[program, ...lines].join('\n')}\n`, { mode: 0o600 });
}

module.exports = { writeExitNote, writeRecord };
