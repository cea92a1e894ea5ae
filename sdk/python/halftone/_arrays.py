"""numpy arrays as tensors of the C interface, and back; without copies where the layout allows it."""
from __future__ import annotations

import ctypes as c
from typing import Any, Optional, Tuple

import numpy as np

from . import _structs as s
from ._errors import refuse

# The codes of halftone/tensor.h.
DTYPES = {1: "float32", 2: "float64", 3: "float16", 4: "bfloat16", 5: "int8", 6: "uint8", 7: "int16", 8: "uint16",
          9: "int32", 10: "uint32", 11: "int64", 12: "uint64", 13: "bool", 14: "float8e4m3fn", 15: "float8e5m2",
          16: "int4", 17: "uint4", 18: "complex64", 19: "complex128", 20: "string", 21: "float4e2m1", 22: "float8e8m0"}
_CODES = {name: code for code, name in DTYPES.items()}
_BYTES_ONLY = {14, 15, 22}  # numpy has no such type: the codes come as uint8


def dtype_code(array: np.ndarray) -> int:
    code = _CODES.get(array.dtype.name)
    if code is None or array.dtype.name == "string":
        raise refuse(f"an array of type {array.dtype} cannot be used; convert it, for instance with astype(np.float32)")
    return code


class View:
    """A tensor view of an array, with what it points to."""

    def __init__(self, array: Any):
        array = np.asarray(array)
        code = dtype_code(array)
        size = array.itemsize
        if not array.dtype.isnative or any(stride % size for stride in array.strides):
            array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
        if array.ndim > 16:
            raise refuse(f"an array of {array.ndim} axes cannot be used; 16 are the most")
        self.array = array
        axes = max(1, array.ndim)
        self._shape = (s.i64 * axes)(*array.shape)
        self._strides = (s.i64 * axes)(*(stride // size for stride in array.strides))
        self.struct = s.TensorView(dtype=code, rank=array.ndim, shape=self._shape, data=array.ctypes.data)
        if not array.flags.c_contiguous:
            self.struct.strides = self._strides


def _shape(view: s.TensorView) -> Tuple[int, ...]:
    return tuple(view.shape[i] for i in range(view.rank))


def _from_bytes(code: int, shape: Tuple[int, ...], raw: np.ndarray) -> np.ndarray:
    """`raw`: the bytes. A copy only for types that numpy has not."""
    count = int(np.prod(shape, dtype=np.int64)) if shape else 1
    if code == 4:
        return (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if code in (16, 17):
        halves = np.stack([raw & 15, raw >> 4], axis=-1).reshape(-1)[:count]
        values = halves.astype(np.int8) if code == 16 else halves
        return np.where(values > 7, values - 16, values).astype(np.int8).reshape(shape) if code == 16 else values.reshape(shape)
    if code in _BYTES_ONLY:
        return raw.reshape(shape)
    name = DTYPES.get(code)
    if name is None or name in ("string", "float4e2m1"):
        raise refuse(f"a tensor of type {name or code} has no form in numpy", "UNIMPLEMENTED")
    return raw.view(np.dtype(name)).reshape(shape)


def _bytes_of(code: int, count: int) -> int:
    if code in (16, 17, 21):
        return (count + 1) // 2
    if code == 4:
        return 2 * count
    return count if code in _BYTES_ONLY else count * np.dtype(DTYPES.get(code, "uint8")).itemsize


def array_of(view: s.TensorView, owner: Optional[object] = None) -> np.ndarray:
    """The tensor as an array: over the same memory, read only, where `owner` keeps that; a copy otherwise."""
    shape = _shape(view)
    count = 1
    for extent in shape:
        count *= extent
    size = _bytes_of(view.dtype, count)
    if size == 0:
        return _from_bytes(view.dtype, shape, np.empty(0, np.uint8))
    buffer = (c.c_ubyte * size).from_address(view.data)
    if owner is None:
        return _from_bytes(view.dtype, shape, np.frombuffer(bytes(buffer), np.uint8)).copy()
    buffer._owner = owner  # numpy keeps the buffer, and the buffer what it lies in
    array = _from_bytes(view.dtype, shape, np.frombuffer(buffer, np.uint8))
    array.flags.writeable = False
    return array
