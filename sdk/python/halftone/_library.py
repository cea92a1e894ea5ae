"""libhalftone: where it is, what its functions take, and how a call fails."""
from __future__ import annotations

import ctypes as c
import os
import threading
from pathlib import Path
from typing import Iterator, List, Optional

from . import _structs as s
from ._errors import HalftoneError, code_name

_NAMES = ("libhalftone.so.0", "libhalftone.so")


def _candidates() -> Iterator[Path]:
    """$HALFTONE_LIBRARY alone where it is set; then beside the package; then the prefix that it is installed in."""
    named = os.environ.get("HALFTONE_LIBRARY")
    if named:
        path = Path(named)
        yield from ([path / name for name in _NAMES] if path.is_dir() else [path])
        return
    package = Path(__file__).resolve().parent
    folders: List[Path] = [package, package.parent]
    for parent in package.parents:
        folders.append(parent / "lib")
        folders += sorted((parent / "lib").glob("*-linux-gnu"))
        folders.append(parent / "lib64")
    for folder in folders:
        yield from (folder / name for name in _NAMES)


def _load() -> c.CDLL:
    tried = []
    for path in _candidates():
        if not path.exists():
            tried.append(str(path))
            continue
        try:
            return c.CDLL(str(path))
        except OSError as error:
            raise HalftoneError("FAILED_PRECONDITION", [f"{path} cannot be loaded: {error}"]) from None
    raise HalftoneError("NOT_FOUND", ["libhalftone.so was not found; set HALFTONE_LIBRARY to the file or its folder",
                                      "looked for " + (", ".join(tried[:4]))])


_P = c.POINTER
_SIGNATURES = {
    "ht_version": (s.text, []),
    "ht_error_text": (s.text, [s.u64]),
    "ht_text_data": (s.ptr, [s.ptr]),
    "ht_text_size": (s.u64, [s.ptr]),
    "ht_text_destroy": (None, [s.ptr]),
    "ht_stop_create": (s.status, [_P(s.ptr)]),
    "ht_stop_request": (None, [s.ptr]),
    "ht_stop_destroy": (None, [s.ptr]),
    "ht_engine_create": (s.status, [_P(s.EngineOptions), _P(s.ptr)]),
    "ht_engine_destroy": (None, [s.ptr]),
    "ht_engine_register": (s.status, [s.ptr, _P(s.Plugin)]),
    "ht_engine_components": (s.status, [s.ptr, s.u32, _P(s.ptr)]),
    "ht_register": (s.status, [_P(s.Plugin)]),
    "ht_model_load": (s.status, [s.ptr, s.text, _P(s.ptr)]),
    "ht_model_load_bytes": (s.status, [s.ptr, s.text, s.u64, s.text, _P(s.ptr)]),
    "ht_model_destroy": (None, [s.ptr]),
    "ht_model_configs": (s.status, [s.ptr, _P(s.ptr)]),
    "ht_model_export": (s.status, [s.ptr, s.text, s.text, s.text]),
    "ht_run": (s.status, [s.ptr, _P(s.RunOptions), _P(s.ptr), _P(s.ptr)]),
    "ht_plan": (s.status, [s.ptr, _P(s.RunOptions), _P(s.ptr)]),
    "ht_calibrate": (s.status, [s.ptr, _P(s.RunOptions), _P(s.text), s.u64, s.text, _P(s.ptr)]),
    "ht_inference_open": (s.status, [s.ptr, _P(s.InferenceOptions), _P(s.ptr)]),
    "ht_inference_close": (None, [s.ptr]),
    "ht_inference_run": (s.status, [s.ptr, _P(s.TensorView), s.u64, s.ptr, s.ptr]),
    "ht_inference_names": (s.status, [s.ptr, _P(s.ptr)]),
    "ht_evaluate": (s.status, [s.ptr, _P(s.EvaluateOptions), _P(s.ptr)]),
    "ht_access_begin": (s.status, [s.ptr, s.u32, _P(s.ptr)]),
    "ht_access_service": (s.ptr, [s.ptr, s.text]),
    "ht_access_context": (s.ptr, [s.ptr]),
    "ht_access_forget": (None, [s.ptr]),
    "ht_access_commit": (s.status, [s.ptr]),
    "ht_access_end": (None, [s.ptr]),
    "ht_context_error": (s.status, [s.ptr, s.status]),
}

TakeOutput = s.function(s.ptr, s.u64, _P(s.TensorView))

_lock = threading.Lock()
_loaded: Optional[c.CDLL] = None


def library() -> c.CDLL:
    """The library, loaded at the first call."""
    global _loaded
    with _lock:
        if _loaded is None:
            found = _load()
            for name, (result, arguments) in _SIGNATURES.items():
                function = getattr(found, name)
                function.restype, function.argtypes = result, arguments
            _loaded = found
        return _loaded


def last_error(status: int) -> HalftoneError:
    """What the last call on this thread failed with."""
    chain: List[str] = []
    while True:
        part = library().ht_error_text(len(chain))
        if part is None:
            return HalftoneError(code_name(status), chain or [code_name(status)])
        chain.append(part.decode("utf-8", "replace"))


def check(status: int) -> None:
    if status != 0:
        raise last_error(status)


def take_text(made: s.ptr) -> str:
    """The content of an ht_text, which is given back."""
    lib = library()
    try:
        return c.string_at(lib.ht_text_data(made), lib.ht_text_size(made)).decode("utf-8", "replace")
    finally:
        lib.ht_text_destroy(made)


def texts(items) -> "c.Array":
    encoded = [str(item).encode() for item in items]
    return (s.text * max(1, len(encoded)))(*encoded)


def optional(value) -> Optional[bytes]:
    return None if value is None else os.fspath(value).encode() if isinstance(value, os.PathLike) else str(value).encode()
