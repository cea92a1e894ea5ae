"""Samples from a Python iterable, one at a time, for workers of the library."""
from __future__ import annotations

import ctypes as c
import itertools
import operator
from collections.abc import Iterator as IteratorType
from collections.abc import Mapping
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from . import _structs as s
from ._arrays import View
from ._errors import HalftoneError, refuse
from ._library import texts


class GivenSamples:
    """What the library calls back for samples. `error` is what the iterable raised."""

    def __init__(self, source: Iterable[Any], inputs: Sequence[str], *, batched: bool = False,
                 count: Optional[int] = None):
        if isinstance(source, (str, bytes, Mapping)) or not (callable(source) or hasattr(source, "__iter__")):
            raise refuse(f"samples are an iterable of arrays, or a function that returns one, not {type(source).__name__}")
        self.error: Optional[BaseException] = None
        self._source, self._inputs, self._batched = source, list(inputs), batched
        self._once = isinstance(source, IteratorType)
        self._iterator: Optional[Iterator[Any]] = None
        self._numbers = itertools.count(1)
        self._held: Dict[int, List[View]] = {}
        self._names = texts(inputs)
        known = self._known_count(count)
        self.struct = s.Samples(once=int(self._once), inputs=self._names, input_count=len(self._inputs), count=known)
        # The struct keeps the callbacks.
        self.struct.rewind = s.Samples._fields_[6][1](self._rewind)
        self.struct.next = s.Samples._fields_[7][1](self._next)
        self.struct.release = s.Samples._fields_[8][1](self._release)

    def _known_count(self, count: Optional[int]) -> int:
        if count is not None:
            if operator.index(count) < 1:
                raise refuse(f"count is {count}; it is the number of samples, or None where only their end tells")
            return count
        if self._batched or callable(self._source):
            return 0
        try:
            known = len(self._source)  # type: ignore[arg-type]
        except (TypeError, AttributeError):
            return 0
        if known == 0:
            raise refuse("there are no samples", "DATA_LOSS")
        return known

    def _begin(self) -> None:
        source = self._source() if callable(self._source) else self._source
        items = iter(source)
        self._iterator = self._singles(items) if self._batched else items

    def _singles(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            arrays = self._arrays(item)
            lengths = {len(array) if array.ndim else -1 for array in arrays}
            if len(lengths) != 1 or -1 in lengths:
                raise refuse("the arrays of a batch have axis 0 of different lengths, or none", "DATA_LOSS")
            for i in range(lengths.pop()):
                yield tuple(array[i] for array in arrays)

    def _arrays(self, item: Any) -> Tuple[np.ndarray, ...]:
        if isinstance(item, Mapping):
            missing = [name for name in self._inputs if name not in item]
            unknown = [str(name) for name in item if name not in self._inputs]
            if missing or unknown:
                raise refuse(f"a sample has the arrays {', '.join(map(str, item)) or 'of no input'}; "
                             f"the model's inputs are {', '.join(self._inputs)}", "DATA_LOSS")
            return tuple(np.asarray(item[name]) for name in self._inputs)
        if isinstance(item, tuple) and (len(self._inputs) > 1 or len(item) == 1):
            if len(item) != len(self._inputs):
                raise refuse(f"a sample has {len(item)} arrays, the model {len(self._inputs)} inputs", "DATA_LOSS")
            return tuple(np.asarray(array) for array in item)
        if len(self._inputs) != 1:
            raise refuse(f"a sample is one array, and the model has the inputs {', '.join(self._inputs)}; "
                         "give a dict or a tuple of arrays", "DATA_LOSS")
        return (np.asarray(item),)

    def _fail(self, host, ctx, error: BaseException) -> int:
        self.error = error
        code = 10
        if isinstance(error, HalftoneError):
            text = error.message
            code = 9
        elif isinstance(error, KeyboardInterrupt):
            text, code = "cancelled", 1
        else:
            text = f"the iterable of samples raised {type(error).__name__}: {error}"
        raw = text.encode()
        return host.contents.fail(ctx, code, c.byref(s.Str(c.cast(c.c_char_p(raw), s.ptr), len(raw))), 0)

    def _rewind(self, _user, host, ctx) -> int:
        try:
            self._begin()
            return 0
        except BaseException as error:
            return self._fail(host, ctx, error)

    def _next(self, _user, host, ctx, arrays, hold, got) -> int:
        try:
            if self._iterator is None:
                self._begin()
            assert self._iterator is not None
            try:
                item = next(self._iterator)
            except StopIteration:
                return 0
            views = [View(array) for array in self._arrays(item)]
            for i, view in enumerate(views):
                arrays[i][0] = view.struct
            number = next(self._numbers)
            self._held[number] = views
            hold[0] = number
            got[0] = 1
            return 0
        except BaseException as error:
            return self._fail(host, ctx, error)

    def _release(self, _user, hold) -> None:
        self._held.pop(hold, None)

    def end(self) -> None:
        """No call needs it any more: breaks the ring of struct, callbacks and this."""
        self.struct = None
        self._iterator = None
        self._held.clear()
