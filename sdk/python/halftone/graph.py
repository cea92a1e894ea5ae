"""The graph of a model: nodes, values, stored tensors and quantization configs, to read and to edit."""
from __future__ import annotations

import ctypes as c
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _structs as s
from ._arrays import DTYPES, View, array_of
from ._errors import HalftoneError, refuse
from ._services import Services, list_of, str_of
from .configs import Config

_GRAPH, _EDIT, _CONFIG = "ht.graph/1", "ht.graph_edit/1", "ht.config/1"
_UNKNOWN = object()


class _Hold:
    """Keeps a stored tensor while arrays over it live."""

    def __init__(self, release: Any, raw: s.ptr):
        self._release, self._raw = release, raw

    def __del__(self) -> None:
        self._release(self._raw)


class Value:
    """A tensor of the graph: input, output, intermediate, or a stored one."""

    def __init__(self, services: Services, handle: int):
        self._services, self.handle = services, handle

    def _info(self) -> s.ValueInfo:
        info = s.ValueInfo()
        raw = s.handle(self.handle)
        self._services.call(_GRAPH, "value_infos", c.byref(raw), 1, c.byref(info))
        return info

    @property
    def name(self) -> str:
        return str(self._info().name)

    @name.setter
    def name(self, name: str) -> None:
        self._services.call(_EDIT, "rename_value", self.handle, c.byref(str_of(name)))

    @property
    def dtype(self) -> Optional[str]:
        """"float32" and the like; None while it is not known."""
        return DTYPES.get(self._info().type.dtype)

    @property
    def shape(self) -> Optional[Tuple[Optional[int], ...]]:
        """None where an extent, or the whole shape, is not known before the run."""
        kind = self._info().type
        if not kind.known_rank:
            return None
        return tuple(extent if extent >= 0 else None for extent in kind.shape[: kind.rank])

    @property
    def is_input(self) -> bool:
        return bool(self._info().flags & 1)

    @property
    def is_output(self) -> bool:
        return bool(self._info().flags & 2)

    @property
    def is_initializer(self) -> bool:
        return bool(self._info().flags & 4)

    @property
    def producer(self) -> Optional["Node"]:
        handle = self._info().producer
        return Node(self._services, handle) if handle else None

    @property
    def consumers(self) -> List["Node"]:
        """Nodes that read it, one entry for each input slot."""
        uses = s.Uses()
        self._services.call(_GRAPH, "consumers", self.handle, c.byref(uses))
        return [Node(self._services, uses.data[i].node) for i in range(uses.size)]

    @property
    def array(self) -> np.ndarray:
        """The stored tensor, read only, over the library's memory, which it keeps. Assigning replaces the tensor."""
        view, raw = s.TensorView(), s.ptr()
        if not self._services.tried(_GRAPH, "hold_initializer", self.handle, c.byref(view), c.byref(raw)):
            raise refuse(f"value '{self.name}' has no stored tensor", "NOT_FOUND")
        return array_of(view, _Hold(self._services.table(_GRAPH).release, raw))

    @array.setter
    def array(self, array: Any) -> None:
        view = View(np.ascontiguousarray(array).reshape(np.shape(array)))
        self._services.call(_EDIT, "set_initializer", self.handle, c.byref(view.struct))

    def replace_uses(self, other: "Value") -> None:
        """Every consumer reads `other` afterwards."""
        self._services.call(_EDIT, "replace_uses", self.handle, other.handle)

    def remove(self) -> None:
        self._services.call(_EDIT, "remove_value", self.handle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and other.handle == self.handle

    def __hash__(self) -> int:
        return hash(self.handle)

    def __repr__(self) -> str:
        return f"<Value {self.name!r} {self.dtype} {self.shape}>" if self._services.ctx else "<Value of an ended graph>"


class Node:
    """An operator of the graph."""

    def __init__(self, services: Services, handle: int):
        self._services, self.handle = services, handle

    def _info(self) -> s.NodeInfo:
        info = s.NodeInfo()
        raw = s.handle(self.handle)
        self._services.call(_GRAPH, "node_infos", c.byref(raw), 1, c.byref(info))
        return info

    def _values(self, handles: s.Handles) -> List[Optional[Value]]:
        return [Value(self._services, h) if h else None for h in list_of(handles)]

    @property
    def name(self) -> str:
        return str(self._info().name)

    @name.setter
    def name(self, name: str) -> None:
        self._services.call(_EDIT, "rename_node", self.handle, c.byref(str_of(name)))

    @property
    def op_type(self) -> str:
        return str(self._info().op_type)

    @property
    def domain(self) -> str:
        """Empty for ai.onnx."""
        return str(self._info().domain)

    @property
    def inputs(self) -> List[Optional[Value]]:
        """None where an optional slot is empty."""
        return self._values(self._info().inputs)

    @property
    def outputs(self) -> List[Optional[Value]]:
        return self._values(self._info().outputs)

    def set_input(self, slot: int, value: Optional[Value]) -> None:
        self._services.call(_EDIT, "set_input", self.handle, slot, value.handle if value else 0)

    def set_output(self, slot: int, value: Optional[Value]) -> None:
        self._services.call(_EDIT, "set_output", self.handle, slot, value.handle if value else 0)

    def attribute(self, name: str, default: Any = None) -> Any:
        """int, float, str, array, or a list of them; `default` where the node does not say."""
        found = s.Attr()
        if not self._services.tried(_GRAPH, "attribute", self.handle, c.byref(str_of(name)), c.byref(found)):
            return default
        if found.kind == 1:
            return found.i
        if found.kind == 2:
            return found.f
        if found.kind == 3:
            return str(found.s)
        if found.kind == 4:
            return array_of(found.t)
        if found.kind == 6:
            return [found.ints.data[i] for i in range(found.ints.size)]
        if found.kind == 7:
            return [found.floats[i] for i in range(found.float_count)]
        if found.kind == 8:
            return [str(found.strings.data[i]) for i in range(found.strings.size)]
        raise refuse(f"attribute '{name}' of node '{self.name}' has no form in Python", "UNIMPLEMENTED")

    def set_attribute(self, name: str, value: Union[int, float, str, np.ndarray, Sequence[Any]]) -> None:
        attribute, kept = _attribute(name, value)
        self._services.call(_EDIT, "set_attribute", self.handle, c.byref(attribute))
        del kept

    def remove_attribute(self, name: str) -> None:
        self._services.call(_EDIT, "remove_attribute", self.handle, c.byref(str_of(name)))

    def remove(self) -> None:
        self._services.call(_EDIT, "remove_node", self.handle)

    def _config(self, direction: int, slot: int) -> Optional[Config]:
        handle = self._services.handle(_CONFIG, "find", self.handle, direction, slot)
        return Config(self._services, handle) if handle else None

    def input_config(self, slot: int) -> Optional[Config]:
        """The quantization config of an input slot, or None where it has none."""
        return self._config(0, slot)

    def output_config(self, slot: int = 0) -> Optional[Config]:
        return self._config(1, slot)

    @property
    def configs(self) -> List[Config]:
        inputs, outputs = s.Handles(), s.Handles()
        self._services.call(_CONFIG, "of_node", self.handle, c.byref(inputs), c.byref(outputs))
        return [Config(self._services, h) for h in list_of(inputs) + list_of(outputs) if h]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and other.handle == self.handle

    def __hash__(self) -> int:
        return hash(self.handle)

    def __repr__(self) -> str:
        return f"<Node {self.name!r} {self.op_type}>" if self._services.ctx else "<Node of an ended graph>"


class Graph:
    """The main graph of a model. It is of use only within the pass, or the `with` block, that it was given to."""

    def __init__(self, services: Services, handle: Optional[int] = None):
        self._services = services
        self.handle = services.handle(_GRAPH, "main_graph") if handle is None else handle

    def _list(self, kind: type, function: str) -> List[Any]:
        return [kind(self._services, h) for h in self._services.handles(_GRAPH, function, self.handle)]

    @property
    def nodes(self) -> List[Node]:
        """In topological order."""
        return self._list(Node, "nodes")

    @property
    def values(self) -> List[Value]:
        return self._list(Value, "values")

    @property
    def inputs(self) -> List[Value]:
        """Those that a caller feeds."""
        return self._list(Value, "inputs")

    @property
    def outputs(self) -> List[Value]:
        return self._list(Value, "outputs")

    @property
    def initializers(self) -> List[Value]:
        return [value for value in self.values if value.is_initializer]

    @property
    def graphs(self) -> List["Graph"]:
        """This and the bodies of If, Loop and Scan, depth first."""
        return [Graph(self._services, h) for h in self._services.handles(_GRAPH, "graphs")]

    @property
    def configs(self) -> List[Config]:
        """All quantization configs, in the order in which they were made."""
        return [Config(self._services, h) for h in self._services.handles(_CONFIG, "all")]

    def node(self, name: str) -> Node:
        return Node(self._services, self._named("find_node", name))

    def value(self, name: str) -> Value:
        return Value(self._services, self._named("find_value", name))

    def _named(self, function: str, name: str) -> int:
        try:
            found = self._services.handle(_GRAPH, function, self.handle, c.byref(str_of(name)))
        except HalftoneError as error:
            if error.code != "NOT_FOUND":
                raise
            found = 0
        if not found:
            raise refuse(f"the graph has no {function[5:]} named '{name}'", "NOT_FOUND")
        return found

    def opset(self, domain: str = "") -> int:
        out = s.i64()
        self._services.call(_GRAPH, "opset", c.byref(str_of(domain)), c.byref(out))
        return out.value

    def unique_name(self, base: str) -> str:
        out = s.Str()
        self._services.call(_EDIT, "unique_name", self.handle, c.byref(str_of(base)), c.byref(out))
        return str(out)

    def add_value(self, name: str) -> Value:
        """An intermediate value, which a node is to produce."""
        return Value(self._services,
                     self._services.handle(_EDIT, "add_value", self.handle, c.byref(str_of(name)), None))

    def add_initializer(self, name: str, array: Any) -> Value:
        """A stored tensor; the array is copied."""
        view = View(np.ascontiguousarray(array).reshape(np.shape(array)))
        return Value(self._services, self._services.handle(_EDIT, "add_initializer", self.handle,
                                                           c.byref(str_of(name)), c.byref(view.struct)))

    def add_node(self, op_type: str, inputs: Iterable[Optional[Value]], outputs: Iterable[Optional[Value]],
                 name: str = "", domain: str = "", attributes: Optional[Dict[str, Any]] = None) -> Node:
        lists = []
        for values in (inputs, outputs):
            handles = [value.handle if value else 0 for value in values]
            lists.append(s.Handles((s.handle * max(1, len(handles)))(*handles), len(handles)))
        made = Node(self._services, self._services.handle(
            _EDIT, "add_node", self.handle, c.byref(str_of(op_type)), c.byref(str_of(domain)),
            c.byref(str_of(name or self.unique_name(op_type.lower()))), c.byref(lists[0]), c.byref(lists[1])))
        for key, value in (attributes or {}).items():
            made.set_attribute(key, value)
        return made

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes>" if self._services.ctx else "<Graph that has ended>"


def _attribute(name: str, value: Any) -> Tuple[s.Attr, Any]:
    """The struct, and what it points to."""
    out = s.Attr(name=str_of(name))
    kept: List[Any] = [out.name, value]
    if isinstance(value, (bool, int, np.integer)):
        out.kind, out.i = 1, int(value)
    elif isinstance(value, (float, np.floating)):
        out.kind, out.f = 2, float(value)
    elif isinstance(value, str):
        text = str_of(value)
        kept.append(text)
        out.kind, out.s = 3, text
    elif isinstance(value, np.ndarray):
        view = View(np.ascontiguousarray(value).reshape(value.shape))
        kept.append(view)
        out.kind, out.t = 4, view.struct
    elif all(isinstance(item, (int, np.integer)) for item in value):
        items = (s.i64 * max(1, len(value)))(*map(int, value))
        out.kind, out.ints = 6, s.I64s(items, len(value))
        kept.append(items)
    elif all(isinstance(item, (int, float, np.number)) for item in value):
        floats = (s.f32 * len(value))(*map(float, value))
        out.kind, out.floats, out.float_count = 7, floats, len(value)
        kept.append(floats)
    else:
        pieces = [str_of(item) for item in value]
        strings = (s.Str * len(pieces))(*pieces)
        out.kind, out.strings = 8, s.Strs(strings, len(pieces))
        kept += [pieces, strings]
    return out, kept
