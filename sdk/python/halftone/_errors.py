"""The exception of the package."""
from __future__ import annotations

from typing import List, Sequence

CODES = ["OK", "CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
         "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "UNIMPLEMENTED", "DATA_LOSS", "INTERNAL", "TIMEOUT", "STALE"]


class HalftoneError(Exception):
    """What the library, or this package, refused or failed at.

    `code` is one of CODES as in halftone/base.h, `chain` the message and after it where it happened, from the inside out;
    str() is all of them, a line each. An exception that a sample iterator or a pass of the program raised is `__cause__`.
    """

    def __init__(self, code: str, chain: Sequence[str]):
        self.code = code
        self.chain: List[str] = list(chain)
        super().__init__("\n  ".join(self.chain))

    @property
    def message(self) -> str:
        return self.chain[0] if self.chain else self.code


def refuse(message: str, code: str = "INVALID_ARGUMENT") -> "HalftoneError":
    return HalftoneError(code, [message])


def code_name(status: int) -> str:
    return CODES[status] if 0 <= status < len(CODES) else f"STATUS_{status}"
