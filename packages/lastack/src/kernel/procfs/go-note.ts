/**
 * Whether an ELF executable was made by the Go toolchain: the linker gives each a note of owner `Go` and type 4 (the build
 * id, cmd/link ELF_NOTE_GOBUILDID_TAG) in a PT_NOTE segment. It survives `strip`, and lies in the first page or, with cgo,
 * close behind it.
 *
 * Read first: elf(5), `Elf32_Ehdr`/`Elf64_Ehdr`, `Elf64_Phdr`, `Elf64_Nhdr`.
 * @param start the beginning of the file; what lies beyond is taken as absent
 */
export function hasGoNote(start: Uint8Array): boolean {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const layout = layoutOf(view);
  if (layout === null) return false;
  const { little, wide } = layout;
  const table = wide ? offset64(view, 32, little) : view.getUint32(28, little);
  const entrySize = view.getUint16(wide ? 54 : 42, little);
  const entries = view.getUint16(wide ? 56 : 44, little);
  for (let i = 0; i < entries; i++) {
    const entry = table + i * entrySize;
    if (entry + (wide ? 40 : 20) > view.byteLength) return false;
    if (view.getUint32(entry, little) !== PT_NOTE) continue;
    const offset = wide ? offset64(view, entry + 8, little) : view.getUint32(entry + 4, little);
    const size = wide ? offset64(view, entry + 32, little) : view.getUint32(entry + 16, little);
    if (notesHoldGo(view, offset, Math.min(offset + size, view.byteLength), little)) return true;
  }
  return false;
}

const PT_NOTE = 4;
const ELF_MAGIC = 0x7f_45_4c_46;
const GO_BUILD_ID = 4;
/** "Go\0\0" */
const GO_OWNER = 0x47_6f_00_00;
const HEADER_BYTES = 64;

function layoutOf(view: DataView): { readonly little: boolean; readonly wide: boolean } | null {
  if (view.byteLength < HEADER_BYTES || view.getUint32(0) !== ELF_MAGIC) return null;
  return { wide: view.getUint8(4) === 2, little: view.getUint8(5) === 1 };
}

/** Offsets above 2^53 lose their low bits, and lie outside of what was read anyhow. */
function offset64(view: DataView, at: number, little: boolean): number {
  return Number(view.getBigUint64(at, little));
}

function notesHoldGo(view: DataView, from: number, to: number, little: boolean): boolean {
  for (let at = from; at + 16 <= to;) {
    const nameSize = view.getUint32(at, little);
    const valueSize = view.getUint32(at + 4, little);
    const isGo = nameSize === 4 && view.getUint32(at + 12) === GO_OWNER;
    if (isGo && view.getUint32(at + 8, little) === GO_BUILD_ID) return true;
    at += 12 + align4(nameSize) + align4(valueSize);
  }
  return false;
}

function align4(size: number): number {
  return Math.ceil(size / 4) * 4;
}
