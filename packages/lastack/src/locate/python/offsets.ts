/**
 * Where a version of CPython keeps what lastack reads: bytes from the start of the structure, under CPython's own names. A
 * field that a version does not have is negative. `OFFSET_TABLE` holds the measured ones.
 */
export interface Offsets {
  /** The exact version whose headers gave them. */
  readonly measured: string;
  /** `_PyRuntimeState`. */
  readonly interpreters_head: number;
  /** `PyInterpreterState`. */
  readonly interp_next: number;
  readonly interp_modules: number;
  readonly threads_head: number;
  /** `PyThreadState`; `ts_frame` from 3.13 on and until 3.10, through `_PyCFrame` between. */
  readonly ts_next: number;
  readonly ts_interp: number;
  readonly ts_thread_id: number;
  readonly ts_native_thread_id: number;
  readonly ts_frame: number;
  readonly ts_cframe: number;
  readonly cframe_current_frame: number;
  /** `_PyInterpreterFrame` from 3.11 on, `PyFrameObject` before. */
  readonly f_previous: number;
  readonly f_code: number;
  readonly f_instr: number;
  readonly f_lasti: number;
  readonly f_owner: number;
  readonly f_localsplus: number;
  /** `PyFrameObject` from 3.11 on: its `_PyInterpreterFrame`. */
  readonly frame_f_frame: number;
  /** `PyGenObject`, which coroutines and asynchronous generators share: the frame itself, or until 3.10 a pointer to it. */
  readonly gi_iframe: number;
  readonly gi_frame: number;
  readonly gi_frame_state: number;
  /** `PyCodeObject`; `co_linetable` is `co_lnotab` until 3.9. */
  readonly co_filename: number;
  readonly co_name: number;
  readonly co_qualname: number;
  readonly co_firstlineno: number;
  readonly co_linetable: number;
  readonly co_code: number;
  readonly co_code_adaptive: number;
  readonly co_varnames: number;
  readonly co_cellvars: number;
  readonly co_freevars: number;
  readonly co_nlocalsplus: number;
  readonly co_localsplusnames: number;
  /** `PyObject`, `PyVarObject`. */
  readonly ob_type: number;
  readonly ob_size: number;
  readonly object_size: number;
  /** `PyTypeObject`, `PyHeapTypeObject`. */
  readonly tp_name: number;
  readonly tp_basicsize: number;
  readonly tp_flags: number;
  readonly tp_base: number;
  readonly tp_dictoffset: number;
  readonly tp_dict: number;
  readonly ht_cached_keys: number;
  /** `PyASCIIObject`, and the sizes before the text of an ASCII and of any other compact string. */
  readonly str_length: number;
  readonly str_state: number;
  readonly ascii_size: number;
  readonly compact_size: number;
  readonly bytes_value: number;
  readonly list_items: number;
  readonly tuple_items: number;
  readonly set_mask: number;
  readonly set_table: number;
  /** `PyDictObject`, `PyDictKeysObject`; `dk_size` until 3.10, `dk_log2_index_bytes` and `dk_kind` from then on. */
  readonly ma_keys: number;
  readonly ma_values: number;
  readonly dk_size: number;
  readonly dk_nentries: number;
  readonly dk_indices: number;
  readonly dk_log2_index_bytes: number;
  readonly dk_kind: number;
  readonly dict_values: number;
  /** From `PyInterpreterState`, in 3.8 from `_PyRuntimeState`. */
  readonly gc_generations: number;
  readonly gc_generation_size: number;
  readonly gc_head_size: number;
}
