"""Calls that take long: Ctrl-C ends them, and what callbacks raised comes out of them."""
from __future__ import annotations

import ctypes as c
import threading
from contextlib import contextmanager
from typing import Callable, Iterator, Optional, TypeVar

from . import _structs as s
from ._errors import HalftoneError, refuse
from ._library import check, library

T = TypeVar("T")
_raised = threading.local()


def keep_raised(error: BaseException) -> None:
    """Of a callback, for the call on this thread that it ends."""
    _raised.error = error


def take_raised() -> Optional[BaseException]:
    error = getattr(_raised, "error", None)
    _raised.error = None
    return error


class Stop:
    """A request to end a call; `stop()` may come from any thread."""

    def __init__(self) -> None:
        made = s.ptr()
        check(library().ht_stop_create(c.byref(made)))
        self._raw = made

    def stop(self) -> None:
        library().ht_stop_request(self._raw)

    @property
    def raw(self) -> s.ptr:
        return self._raw

    def __del__(self) -> None:
        if getattr(self, "_raw", None):
            library().ht_stop_destroy(self._raw)


def interruptible(body: Callable[[], T], stop: Stop) -> T:
    """body() on a thread of its own, so that the main one hears of Ctrl-C while it waits; it then stops the call."""
    if threading.current_thread() is not threading.main_thread():
        return body()
    outcome: list = [None, None]
    done = threading.Event()

    def work() -> None:
        try:
            outcome[0] = body()
        except BaseException as error:  # noqa: B902 - it is raised again below
            outcome[1] = error
        finally:
            done.set()

    thread = threading.Thread(target=work, name="halftone", daemon=True)
    thread.start()
    try:
        done.wait()
    except BaseException:
        stop.stop()
        while thread.is_alive():  # the library still calls back: nothing of it may go before
            try:
                thread.join()
            except KeyboardInterrupt:
                pass
        raise
    thread.join()
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def checked(status: int, *sources) -> None:
    """Raises what the last call failed with, from what a callback of it raised."""
    raised = take_raised()
    for source in sources:
        if source is not None and source.error is not None:
            raised = source.error
    if status == 0:
        return
    try:
        check(status)
    except HalftoneError as error:
        if raised is None:
            raise
        if not isinstance(raised, Exception):
            raise raised
        raise error from raised


class Handle:
    """An object of the library, given back when it is closed and nothing uses it any more."""

    def __init__(self, raw: s.ptr, destroy: Callable[[s.ptr], None], name: str, keep: object = None):
        self._raw, self._destroy, self._name = raw, destroy, name
        self._keep = keep  # what the library may call or read while the object lives
        self._lock = threading.Lock()
        self._users, self._closed = 0, False

    @contextmanager
    def use(self) -> Iterator[s.ptr]:
        with self._lock:
            if self._closed:
                raise refuse(f"the {self._name} is closed", "FAILED_PRECONDITION")
            self._users += 1
        try:
            yield self._raw
        finally:
            with self._lock:
                self._users -= 1
                last = self._closed and self._users == 0
            if last:
                self._destroy(self._raw)

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            last = self._users == 0
        if last:
            self._destroy(self._raw)

    def __del__(self) -> None:
        if hasattr(self, "_lock"):
            self.close()
