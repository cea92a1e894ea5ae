"""Tensor quantization configs (TQCs): one for each input and output slot that quantization concerns."""
from __future__ import annotations

import ctypes as c
from typing import TYPE_CHECKING, Any, Optional, Tuple

import numpy as np

from . import _structs as s
from ._errors import refuse
from ._services import Services, str_of

if TYPE_CHECKING:
    from .graph import Node, Value

_CONFIG, _EDIT = "ht.config/1", "ht.config_edit/1"
STATES = {1: "initial", 2: "activated", 3: "passive-init", 4: "passive", 5: "overlapped", 6: "baked",
          7: "passive-baked", 8: "fp32"}
_SYMMETRIES = {1: "symmetric", 2: "asymmetric"}
_GRANULARITIES = {1: "tensor", 2: "channel", 3: "block"}
_KINDS = {1: "integer", 2: "float8e4m3fn", 3: "float8e5m2"}
_ROUNDINGS = {1: "half-even", 2: "half-up", 3: "half-down", 4: "half-toward-zero", 5: "half-away-from-zero", 6: "up",
              7: "down"}


def _code(names: dict, name: str, what: str) -> int:
    for code, known in names.items():
        if known == name:
            return code
    raise refuse(f"'{name}' is no {what}; there are {', '.join(names.values())}")


class Config:
    """One quantization config. Reading follows the config that dominates it or that it borrows its scale from; setting
    goes through the state machine, and what that does not allow is an error."""

    def __init__(self, services: Services, handle: int):
        self._services, self.handle = services, handle

    def _info(self) -> s.ConfigInfo:
        info = s.ConfigInfo()
        info.spec.struct_size = c.sizeof(s.QuantSpec)
        raw = s.handle(self.handle)
        self._services.call(_CONFIG, "infos", c.byref(raw), 1, c.byref(info))
        return info

    @property
    def node(self) -> "Node":
        from .graph import Node

        return Node(self._services, self._info().node)

    @property
    def is_output(self) -> bool:
        return self._info().direction == 1

    @property
    def slot(self) -> int:
        return self._info().slot

    @property
    def value(self) -> Optional["Value"]:
        info = self._info()
        node = self.node
        return (node.outputs if info.direction == 1 else node.inputs)[info.slot]

    @property
    def state(self) -> str:
        """One of STATES."""
        return STATES.get(self._info().state, "?")

    @state.setter
    def state(self, state: str) -> None:
        self.set_state(state)

    def set_state(self, state: str, reason: str = "") -> None:
        self._services.call(_EDIT, "set_state", self.handle, _code(STATES, state, "state"), c.byref(str_of(reason)))

    @property
    def scale(self) -> Optional[np.ndarray]:
        """float32, one entry for the tensor, each channel or each block; None while it is not set."""
        info = self._info()
        return np.array(info.scales[: info.scale_count], np.float32) if info.scale_count else None

    @property
    def zero_point(self) -> Optional[np.ndarray]:
        info = self._info()
        return np.array(info.zero_points[: info.scale_count], np.int32) if info.scale_count else None

    def set_scale(self, scale: Any, zero_point: Any = 0, rule: str = "set by the program") -> None:
        """One number, or one for each channel or block. `rule` is what `halftone explain` tells of it."""
        scales = np.atleast_1d(np.ascontiguousarray(scale, np.float32)).reshape(-1)
        points = np.ascontiguousarray(np.broadcast_to(np.asarray(zero_point, np.int32).reshape(-1), scales.shape))
        self._services.call(_EDIT, "set_scales", self.handle, scales.ctypes.data_as(c.POINTER(s.f32)),
                            points.ctypes.data_as(c.POINTER(s.i32)), scales.size, c.byref(str_of(rule)))

    @property
    def bits(self) -> int:
        return self._info().spec.bits

    @property
    def signed(self) -> bool:
        return bool(self._info().spec.is_signed)

    @property
    def quant_range(self) -> Tuple[int, int]:
        spec = self._info().spec
        return spec.quant_min, spec.quant_max

    @property
    def kind(self) -> str:
        """"integer", "float8e4m3fn" or "float8e5m2"."""
        return _KINDS.get(self._info().spec.kind, "?")

    @property
    def symmetry(self) -> str:
        return _SYMMETRIES.get(self._info().spec.symmetry, "?")

    @property
    def granularity(self) -> str:
        """"tensor", "channel" or "block"."""
        return _GRANULARITIES.get(self._info().spec.granularity, "?")

    @property
    def axis(self) -> Optional[int]:
        spec = self._info().spec
        return None if spec.granularity == 1 else spec.axis

    @property
    def rounding(self) -> str:
        return _ROUNDINGS.get(self._info().spec.rounding, "?")

    def set_scheme(self, *, bits: Optional[int] = None, signed: Optional[bool] = None,
                   quant_range: Optional[Tuple[int, int]] = None, symmetry: Optional[str] = None,
                   granularity: Optional[str] = None, axis: Optional[int] = None, block_size: Optional[int] = None,
                   power_of_two: Optional[bool] = None, rounding: Optional[str] = None) -> None:
        """Changes what is named; the scale is gone then, and set_scale() sets another. A new number of bits, or sign, brings the whole range of its integers, unless
        `quant_range` is given."""
        spec = self._info().spec
        if bits is not None or signed is not None:
            spec.bits = spec.bits if bits is None else bits
            spec.is_signed = spec.is_signed if signed is None else int(signed)
            if not 2 <= spec.bits <= 32:
                raise refuse(f"{spec.bits} bits are not between 2 and 32")
            half = 1 << (spec.bits - 1)
            spec.quant_min, spec.quant_max = (-half, half - 1) if spec.is_signed else (0, 2 * half - 1)
        if quant_range is not None:
            spec.quant_min, spec.quant_max = quant_range
        if symmetry is not None:
            spec.symmetry = _code(_SYMMETRIES, symmetry, "symmetry")
        if granularity is not None:
            spec.granularity = _code(_GRANULARITIES, granularity, "granularity")
        if axis is not None:
            spec.axis = axis
        if block_size is not None:
            spec.block_size = block_size
        if power_of_two is not None:
            spec.scale_form = 2 if power_of_two else 1
        if rounding is not None:
            spec.rounding = _code(_ROUNDINGS, rounding, "rounding")
        self._services.call(_EDIT, "set_spec", self.handle, c.byref(spec))

    @property
    def observer(self) -> str:
        return str(self._info().observer)

    @observer.setter
    def observer(self, observer: str) -> None:
        self._services.call(_EDIT, "set_observer", self.handle, c.byref(str_of(observer)), None, 0)

    @property
    def root(self) -> "Config":
        """The config that dominates it, or itself."""
        return Config(self._services, self._info().root)

    @property
    def master(self) -> Optional["Config"]:
        """Whose scale it borrows."""
        handle = self._info().master
        return Config(self._services, handle) if handle else None

    def dominate_by(self, other: "Config", reason: str = "") -> None:
        self._services.call(_EDIT, "dominate", self.handle, other.handle, c.byref(str_of(reason)))

    def borrow_from(self, other: "Config", reason: str = "") -> None:
        self._services.call(_EDIT, "set_master", self.handle, other.handle, c.byref(str_of(reason)))

    def release(self) -> None:
        """A config of its own again, in the state initial."""
        self._services.call(_EDIT, "release", self.handle)

    def bake(self) -> None:
        """The stored tensor counts as quantized from now on."""
        self._services.call(_EDIT, "bake", self.handle)

    def remove(self) -> None:
        self._services.call(_EDIT, "remove", self.handle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and other.handle == self.handle

    def __hash__(self) -> int:
        return hash(self.handle)

    def __repr__(self) -> str:
        if not self._services.ctx:
            return "<Config of an ended graph>"
        where = f"{'output' if self.is_output else 'input'} {self.slot} of {self.node.name!r}"
        return f"<Config of {where}: {self.state}, {self.bits} bits>"
