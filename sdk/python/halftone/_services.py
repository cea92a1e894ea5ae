"""The services of the library, as a pass or an access to a model has them."""
from __future__ import annotations

import ctypes as c
from typing import Any, Callable, List, Optional, Type

from . import _structs as s
from ._errors import refuse
from ._library import last_error, library

_TABLES = {"ht.graph/1": s.GraphTable, "ht.graph_edit/1": s.GraphEditTable, "ht.config/1": s.ConfigReadTable,
           "ht.config_edit/1": s.ConfigEditTable, "ht.progress/1": s.ProgressTable, "ht.report/1": s.ReportTable}


def str_of(text: str) -> s.Str:
    raw = str(text).encode()
    out = s.Str(c.cast(c.c_char_p(raw), s.ptr), len(raw))
    out._raw = raw  # stays while the struct does
    return out


class Services:
    """Tables and the context to call them with; of no use once the call or the access has ended."""

    def __init__(self, ctx: int, find: Callable[[bytes], Optional[int]]):
        self.ctx: Optional[int] = ctx
        self._find = find
        self._tables: dict = {}

    def end(self) -> None:
        self.ctx = None

    def table(self, name: str) -> Any:
        if self.ctx is None:
            raise refuse("this graph is no longer open: it belongs to a pass or a `with` block that has ended",
                         "FAILED_PRECONDITION")
        found = self._tables.get(name)
        if found is None:
            address = self._find(name.encode())
            if not address:
                raise refuse(f"'{name}' is not open here; edit with model.edit(), or declare what the pass edits",
                             "PERMISSION_DENIED")
            kind: Type = _TABLES[name]
            found = self._tables[name] = c.cast(address, c.POINTER(kind)).contents
        return found

    def call(self, table: str, function: str, *arguments: Any) -> None:
        status = getattr(self.table(table), function)(self.ctx, *arguments)
        if status != 0:
            library().ht_context_error(self.ctx, status)
            raise last_error(status)

    def tried(self, table: str, function: str, *arguments: Any) -> bool:
        """call(), with False for NOT_FOUND."""
        status = getattr(self.table(table), function)(self.ctx, *arguments)
        if status not in (0, 3):
            library().ht_context_error(self.ctx, status)
            raise last_error(status)
        return status == 0

    def handle(self, table: str, function: str, *arguments: Any) -> int:
        out = s.handle()
        self.call(table, function, *arguments, c.byref(out))
        return out.value

    def handles(self, table: str, function: str, *arguments: Any) -> List[int]:
        out = s.Handles()
        self.call(table, function, *arguments, c.byref(out))
        return list_of(out)


def list_of(handles: s.Handles) -> List[int]:
    return [handles.data[i] for i in range(handles.size)]
