"""Passes written in Python: a class becomes an ht_plugin with one component."""
from __future__ import annotations

import ctypes as c
import inspect
import itertools
import re
import sys
import threading
import traceback
from typing import Any, Dict, List, Optional, Sequence, Tuple

from . import _structs as s
from ._call import keep_raised
from ._engine import default_engine
from ._errors import CODES, HalftoneError, refuse
from ._library import check, library
from ._services import Services, str_of
from .graph import Graph

_ABI_MAJOR, _ABI_MINOR = 1, 0
_I64, _F64, _STR, _FLAG, _CHOICE = 1, 2, 3, 4, 5
_LIST = 2
_CAPABILITIES = {"graph.read": 1, "graph.edit": 2, "config.read": 4, "config.edit": 8}
_kept: List[object] = []  # descriptors that every engine may have: for the life of the process


class param:
    """A parameter of a pass, as an attribute of its class: `threshold = halftone.param(0.1, low=0, high=1, doc="...")`.

    Its kind is that of the default: int, float, bool, str, or a list of them (not empty). With `choices` it is one of
    these texts. An instance has the value that the pipeline gives, or the default.
    """

    def __init__(self, default: Any, *, doc: str, unit: Optional[str] = None, low: Any = None, high: Any = None,
                 choices: Optional[Sequence[str]] = None):
        self.default, self.doc, self.unit, self.low, self.high, self.choices = default, doc, unit, low, high, choices


class PassContext:
    """What a pass has beside the graph."""

    def __init__(self, services: Services, host: Any):
        self._services, self._host = services, host

    def progress(self, done: int, total: int = 0) -> None:
        """To be called at least every second of work; raises CANCELLED when the run is to end."""
        self._services.call("ht.progress/1", "poll", done, total)

    def report(self, key: str, text: Any) -> None:
        """A line of the run's report: ("folded", "12 nodes")."""
        self._services.table("ht.report/1").row(self._services.ctx, c.byref(str_of(key)), c.byref(str_of(str(text))))

    def log(self, text: str, level: int = 2) -> None:
        """1 debug, 2 information, 3 warning."""
        self._host.contents.log(self._services.ctx, level, c.byref(str_of(text)))

    def float_reason(self, node: Any, text: str) -> None:
        """Why a node stays in float; `halftone explain` tells it."""
        self._services.call("ht.report/1", "float_reason", node.handle, c.byref(str_of(text)))


class Pass:
    """A step of a pipeline. Subclasses say `id` and `title`, may have param() attributes, and define run(ctx, graph).

    It runs as a transaction: what run() edits counts when it returns and the verifier finds no fault; an exception
    drops it all, and ends the run with the traceback in the error's chain. `after`, `provides` and `invalidates` are
    facts as in halftone/pass.h, such as "configs"; `capabilities` are what it may do.
    """

    id: str = ""
    title: str = ""
    version: str = "1.0"
    after: Sequence[str] = ()
    provides: Sequence[str] = ()
    invalidates: Sequence[str] = ()
    capabilities: Sequence[str] = ("graph.read", "graph.edit", "config.read", "config.edit")

    def run(self, ctx: PassContext, graph: Graph) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no run()")


class _Values:
    """ht_values with the memory behind them."""

    def __init__(self) -> None:
        self.kept: List[Any] = []

    def value(self, kind: int, items: Optional[Sequence[Any]]) -> s.Value:
        if items is None:
            return s.Value()
        if kind in (_I64, _FLAG):
            data: Any = (s.i64 * max(1, len(items)))(*map(int, items))
        elif kind == _F64:
            data = (s.f64 * max(1, len(items)))(*map(float, items))
        else:
            texts = [str_of(item) for item in items]
            data = (s.Str * max(1, len(texts)))(*texts)
            self.kept.append(texts)
        self.kept.append(data)
        return s.Value(kind=kind, count=len(items), data=c.cast(data, s.ptr))

    def text(self, text: Optional[str]) -> Optional[bytes]:
        raw = None if text is None else text.encode()
        self.kept.append(raw)
        return raw

    def texts(self, items: Sequence[str]) -> Any:
        out = (s.text * max(1, len(items)))(*(self.text(item) for item in items))
        self.kept.append(out)
        return out


def _kind(name: str, parameter: param) -> Tuple[int, bool]:
    default = parameter.default
    is_list = isinstance(default, (list, tuple))
    one = default[0] if is_list and default else default
    if parameter.choices is not None:
        return _CHOICE, is_list
    for kind, types in ((_FLAG, bool), (_I64, int), (_F64, float), (_STR, str)):
        if isinstance(one, types):
            return kind, is_list
    raise refuse(f"parameter '{name}' has the default {default!r}; it takes a number, a bool, a text, or a list of them")


class Descriptor:
    """The C form of a pass class. Lives as long as an engine may call it."""

    def __init__(self, pass_class: type):
        if not (isinstance(pass_class, type) and issubclass(pass_class, Pass)):
            raise refuse(f"{pass_class!r} is no subclass of halftone.Pass")
        if not re.fullmatch(r"[a-z][a-z0-9-]*", pass_class.id):
            raise refuse(f"{pass_class.__name__}.id is '{pass_class.id}'; it takes lower-case letters, digits and hyphens")
        if not pass_class.title:
            raise refuse(f"{pass_class.__name__}.title is empty; say in a line what the pass does")
        self.pass_class = pass_class
        self._values = values = _Values()
        self._instances: Dict[int, Pass] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.parameters = {name: found for base in reversed(pass_class.__mro__) for name, found in vars(base).items()
                           if isinstance(found, param)}
        structs = [self._param(name, parameter) for name, parameter in self.parameters.items()]
        self._params = (s.Param * max(1, len(structs)))(*structs)
        fields = dict(s.Component._fields_)
        self._create, self._destroy = fields["create"](self._made), fields["destroy"](self._gone)
        self._run = dict(s.PassRole._fields_)["run"](self._ran)
        self._table = s.PassRole(run=self._run)
        self._role = s.Role(id=b"ht.pass/1", table=c.cast(c.pointer(self._table), s.ptr))
        self._roles = (c.POINTER(s.Role) * 1)(c.pointer(self._role))
        mask = 0
        for name in pass_class.capabilities:
            if name not in _CAPABILITIES:
                raise refuse(f"'{name}' is no capability of passes in Python; there are {', '.join(_CAPABILITIES)}")
            mask |= _CAPABILITIES[name]
        self._component = s.Component(
            kind=1, determinism=0, threading=1, capabilities=mask, id=values.text(pass_class.id),
            version=values.text(pass_class.version), title=values.text(pass_class.title),
            doc=values.text(inspect.cleandoc(pass_class.__doc__ or pass_class.title)),
            params=self._params, param_count=len(structs), roles=self._roles, role_count=1, create=self._create,
            destroy=self._destroy)
        for field, counted, items in (("after", "after_count", pass_class.after),
                                      ("provides", "provide_count", pass_class.provides),
                                      ("invalidates", "invalidate_count", pass_class.invalidates)):
            setattr(self._component, field, values.texts(items))
            setattr(self._component, counted, len(items))
        self._components = (c.POINTER(s.Component) * 1)(c.pointer(self._component))
        self.plugin = s.Plugin(abi_major=_ABI_MAJOR, abi_minor=_ABI_MINOR, needs_host_minor=0,
                               id=values.text("python." + pass_class.id), version=values.text(pass_class.version),
                               license=b"unspecified", build=values.text("Python " + sys.version.split()[0]),
                               components=self._components, component_count=1)

    def _param(self, name: str, parameter: param) -> s.Param:
        kind, is_list = _kind(name, parameter)
        values = self._values
        default = list(parameter.default) if is_list else [parameter.default]
        out = s.Param(kind=kind, flags=_LIST if is_list else 0, name=values.text(name), doc=values.text(parameter.doc),
                      unit=values.text(parameter.unit), deflt=values.value(_STR if kind == _CHOICE else kind, default))
        out.deflt.kind = kind
        if parameter.low is not None:
            out.low = values.value(kind, [parameter.low])
        if parameter.high is not None:
            out.high = values.value(kind, [parameter.high])
        if parameter.choices is not None:
            out.choices = values.value(_STR, parameter.choices)
        return out

    def _fail(self, host: Any, ctx: int, error: BaseException) -> int:
        keep_raised(error)
        if isinstance(error, HalftoneError):
            code, text = CODES.index(error.code) if error.code in CODES[1:] else 10, error.message
        elif isinstance(error, KeyboardInterrupt):
            code, text = 1, "cancelled"
        else:
            code, text = 10, f"{type(error).__name__}: {error}"
        frames = "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()
        host.contents.fail(ctx, code, c.byref(str_of(text)), 0)
        host.contents.fail(ctx, code, c.byref(str_of(frames)), 0)
        return code

    def _made(self, host: Any, ctx: int, arguments: Any, count: int, instance: Any) -> int:
        try:
            made = self.pass_class()
            for (name, parameter), value in zip(self.parameters.items(), arguments[:count]):
                setattr(made, name, _read(value, isinstance(parameter.default, (list, tuple))))
            made._host = host
            with self._lock:
                number = next(self._numbers)
                self._instances[number] = made
            instance[0] = number
            return 0
        except BaseException as error:
            return self._fail(host, ctx, error)

    def _gone(self, instance: int) -> None:
        with self._lock:
            self._instances.pop(instance, None)

    def _ran(self, instance: int, ctx: int) -> int:
        made = self._instances[instance]
        host = made._host  # type: ignore[attr-defined]
        services = Services(ctx, lambda name: host.contents.service(host, name))
        try:
            made.run(PassContext(services, host), Graph(services))
            return 0
        except BaseException as error:
            return self._fail(host, ctx, error)
        finally:
            services.end()


def _read(value: s.Value, is_list: bool) -> Any:
    items: List[Any] = []
    kind = {_I64: s.i64, _FLAG: s.i64, _F64: s.f64, _STR: s.Str, _CHOICE: s.Str}.get(value.kind)
    if kind is not None:
        data = c.cast(value.data, c.POINTER(kind))
        items = [data[i] for i in range(value.count)]
        if value.kind == _FLAG:
            items = [bool(item) for item in items]
        elif kind is s.Str:
            items = [str(item) for item in items]
    return items if is_list else (items[0] if items else None)


def descriptor_of(pass_class: type) -> Descriptor:
    return Descriptor(pass_class)


def register(pass_class: type) -> type:
    """Offers a pass to the engine that the functions of the package use, and to every engine made later. As a decorator
    it gives the class back."""
    engine = default_engine()
    descriptor = Descriptor(pass_class)
    with engine.handle.use() as raw:
        check(library().ht_engine_register(raw, c.byref(descriptor.plugin)))
    engine._plugins.append(descriptor)
    _kept.append(descriptor)
    check(library().ht_register(c.byref(descriptor.plugin)))
    return pass_class
