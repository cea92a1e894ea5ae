"""Engines: plug-ins, and who hears of what they do."""
from __future__ import annotations

import ctypes as c
import json
import logging
import os
import threading
import weakref
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from . import _structs as s
from ._call import Handle
from ._errors import refuse
from ._library import check, library, take_text, texts

_log = logging.getLogger("halftone")
_LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING}
KINDS = {"pass": 1, "executor": 2, "platform": 3, "observer": 4, "exporter": 5, "reader": 7}

Progress = Callable[[str, int, int], None]
PathLike = Union[str, "os.PathLike[str]"]


def _told(_user: Any, level: int, text: bytes) -> None:
    _log.log(_LEVELS.get(level, logging.INFO), "%s", text.decode("utf-8", "replace"))


def _forward_to(engine: "weakref.ref[Engine]") -> Callable[[Any, bytes, int, int], None]:
    def went(_user: Any, step: bytes, done: int, total: int) -> None:
        to = engine()
        if to is None or to.progress is None:
            return
        try:
            to.progress(step.decode("utf-8", "replace"), done, total)
        except Exception:
            _log.exception("the progress function raised")

    return went


class Engine:
    """Plug-ins of their own. Most programs need only the one that the functions of the package use.

    `plugin_path`: folders or files of plug-ins. `progress(step, done, total)` is called from threads of the library;
    total is 0 while it is not known. What the library logs goes to the logger "halftone".
    """

    def __init__(self, plugin_path: Sequence[PathLike] = (), *, environment: bool = True,
                 progress: Optional[Progress] = None):
        self.progress = progress
        self._plugins: List[object] = []  # descriptors that were registered
        paths = texts(map(os.fspath, plugin_path))
        options = s.EngineOptions(no_environment=int(not environment), plugin_paths=paths,
                                  plugin_path_count=len(plugin_path))
        callbacks = dict(s.EngineOptions._fields_)
        # The functions do not refer to the engine, or it would live until the next garbage collection.
        options.log = callbacks["log"](_told)
        options.progress = callbacks["progress"](_forward_to(weakref.ref(self)))
        made = s.ptr()
        check(library().ht_engine_create(c.byref(options), c.byref(made)))
        self.handle = Handle(made, library().ht_engine_destroy, "engine", keep=(options, self._plugins))

    def components(self, kind: str) -> List[Dict[str, Any]]:
        """What there is of a kind: "pass", "platform", "observer", "executor", "exporter" or "reader"."""
        if kind not in KINDS:
            raise refuse(f"'{kind}' is no kind of component; there are {', '.join(KINDS)}")
        made = s.ptr()
        with self.handle.use() as raw:
            check(library().ht_engine_components(raw, KINDS[kind], c.byref(made)))
        return json.loads(take_text(made))

    def register(self, pass_class: type) -> type:
        """Offers a pass written in Python to this engine. As a decorator it gives the class back."""
        from ._passes import descriptor_of

        descriptor = descriptor_of(pass_class)
        with self.handle.use() as raw:
            check(library().ht_engine_register(raw, c.byref(descriptor.plugin)))
        self._plugins.append(descriptor)
        return pass_class

    def close(self) -> None:
        """Gives the engine back. Models that it loaded keep what they need."""
        self.handle.close()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_unused) -> None:
        self.close()


_default: Optional[Engine] = None
_default_lock = threading.Lock()


def default_engine() -> Engine:
    """The engine that the functions of the package use; made at the first call."""
    global _default
    with _default_lock:
        if _default is None or _default.handle.closed:
            _default = Engine()
        return _default
