// Prints the offsets that lastack reads, of the CPython whose headers it is compiled with: `"name": number,` a line.
// A field that this version does not have is left out. Built and run by python-offsets.mjs.
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <stddef.h>
#include "internal/pycore_pystate.h"
#if PY_VERSION_HEX >= 0x03090000
#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"
#endif
#if PY_VERSION_HEX >= 0x030B0000
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#else
// Objects/dict-common.h, which is not installed; the same from 3.6 to 3.10.
struct _dictkeysobject {
  Py_ssize_t dk_refcnt, dk_size;
  void *dk_lookup;
  Py_ssize_t dk_usable, dk_nentries;
  char dk_indices[];
};
#endif
#if PY_VERSION_HEX >= 0x030D0000
#include "internal/pycore_genobject.h"
#endif

#define NUMBER(name, value) printf("\"%s\": %zu,\n", #name, (size_t)(value))
#define FIELD(name, type, member) NUMBER(name, offsetof(type, member))

static void print_threads(void) {
  FIELD(interpreters_head, _PyRuntimeState, interpreters.head);
  FIELD(interp_next, PyInterpreterState, next);
  FIELD(ts_next, PyThreadState, next);
  FIELD(ts_interp, PyThreadState, interp);
  FIELD(ts_thread_id, PyThreadState, thread_id);
#if PY_VERSION_HEX >= 0x030B0000
  FIELD(threads_head, PyInterpreterState, threads.head);
  FIELD(ts_native_thread_id, PyThreadState, native_thread_id);
#else
  FIELD(threads_head, PyInterpreterState, tstate_head);
#endif
#if PY_VERSION_HEX >= 0x030C0000
  FIELD(interp_modules, PyInterpreterState, imports.modules);
#else
  FIELD(interp_modules, PyInterpreterState, modules);
#endif
#if PY_VERSION_HEX >= 0x030D0000
  FIELD(ts_frame, PyThreadState, current_frame);
#elif PY_VERSION_HEX >= 0x030B0000
  FIELD(ts_cframe, PyThreadState, cframe);
  FIELD(cframe_current_frame, _PyCFrame, current_frame);
#else
  FIELD(ts_frame, PyThreadState, frame);
#endif
}

static void print_frames(void) {
#if PY_VERSION_HEX >= 0x030B0000
  FIELD(f_previous, _PyInterpreterFrame, previous);
  FIELD(f_owner, _PyInterpreterFrame, owner);
  FIELD(f_localsplus, _PyInterpreterFrame, localsplus);
#if PY_VERSION_HEX >= 0x030D0000
  FIELD(f_code, _PyInterpreterFrame, f_executable);
  FIELD(f_instr, _PyInterpreterFrame, instr_ptr);
#else
  FIELD(f_code, _PyInterpreterFrame, f_code);
  FIELD(f_instr, _PyInterpreterFrame, prev_instr);
#endif
  FIELD(frame_f_frame, PyFrameObject, f_frame);
  FIELD(gi_iframe, PyGenObject, gi_iframe);
  FIELD(gi_frame_state, PyGenObject, gi_frame_state);
#else
  FIELD(f_previous, PyFrameObject, f_back);
  FIELD(f_code, PyFrameObject, f_code);
  FIELD(f_lasti, PyFrameObject, f_lasti);
  FIELD(f_localsplus, PyFrameObject, f_localsplus);
  FIELD(gi_frame, PyGenObject, gi_frame);
#endif
}

static void print_code(void) {
  FIELD(co_filename, PyCodeObject, co_filename);
  FIELD(co_name, PyCodeObject, co_name);
  FIELD(co_firstlineno, PyCodeObject, co_firstlineno);
#if PY_VERSION_HEX >= 0x030B0000
  FIELD(co_qualname, PyCodeObject, co_qualname);
  FIELD(co_code_adaptive, PyCodeObject, co_code_adaptive);
  FIELD(co_nlocalsplus, PyCodeObject, co_nlocalsplus);
  FIELD(co_localsplusnames, PyCodeObject, co_localsplusnames);
#else
  FIELD(co_code, PyCodeObject, co_code);
  FIELD(co_varnames, PyCodeObject, co_varnames);
  FIELD(co_cellvars, PyCodeObject, co_cellvars);
  FIELD(co_freevars, PyCodeObject, co_freevars);
#endif
#if PY_VERSION_HEX >= 0x030A0000
  FIELD(co_linetable, PyCodeObject, co_linetable);
#else
  FIELD(co_linetable, PyCodeObject, co_lnotab);
#endif
}

static void print_objects(void) {
  FIELD(ob_type, PyObject, ob_type);
  FIELD(ob_size, PyVarObject, ob_size);
  NUMBER(object_size, sizeof(PyObject));
  FIELD(tp_name, PyTypeObject, tp_name);
  FIELD(tp_basicsize, PyTypeObject, tp_basicsize);
  FIELD(tp_flags, PyTypeObject, tp_flags);
  FIELD(tp_base, PyTypeObject, tp_base);
  FIELD(tp_dictoffset, PyTypeObject, tp_dictoffset);
  FIELD(tp_dict, PyTypeObject, tp_dict);
  FIELD(ht_cached_keys, PyHeapTypeObject, ht_cached_keys);
  FIELD(str_length, PyASCIIObject, length);
  FIELD(str_state, PyASCIIObject, state);
  NUMBER(ascii_size, sizeof(PyASCIIObject));
  NUMBER(compact_size, sizeof(PyCompactUnicodeObject));
  FIELD(bytes_value, PyBytesObject, ob_sval);
  FIELD(list_items, PyListObject, ob_item);
  FIELD(tuple_items, PyTupleObject, ob_item);
  FIELD(set_mask, PySetObject, mask);
  FIELD(set_table, PySetObject, table);
}

static void print_dicts(void) {
  FIELD(ma_keys, PyDictObject, ma_keys);
  FIELD(ma_values, PyDictObject, ma_values);
  FIELD(dk_nentries, struct _dictkeysobject, dk_nentries);
  FIELD(dk_indices, struct _dictkeysobject, dk_indices);
#if PY_VERSION_HEX >= 0x030B0000
  FIELD(dk_log2_index_bytes, struct _dictkeysobject, dk_log2_index_bytes);
  FIELD(dk_kind, struct _dictkeysobject, dk_kind);
  FIELD(dict_values, struct _dictvalues, values);
#else
  FIELD(dk_size, struct _dictkeysobject, dk_size);
#endif
}

static void print_collector(void) {
#if PY_VERSION_HEX >= 0x03090000
  FIELD(gc_generations, PyInterpreterState, gc.generations);
#else
  FIELD(gc_generations, _PyRuntimeState, gc.generations);
#endif
  NUMBER(gc_generation_size, sizeof(struct gc_generation));
  NUMBER(gc_head_size, sizeof(PyGC_Head));
}

int main(void) {
  print_threads();
  print_frames();
  print_code();
  print_objects();
  print_dicts();
  print_collector();
  return 0;
}
