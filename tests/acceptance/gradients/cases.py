"""What make_fixtures.py runs: for each operator the same function in PyTorch."""
import dataclasses
from typing import Callable

import elementwise_cases
import layer_cases
import movement_cases


@dataclasses.dataclass
class Case:
    op: str
    function: Callable
    inputs: list
    attributes: dict = dataclasses.field(default_factory=dict)
    opset: int = 17
    domain: str = ""
    outputs: int = 1
    constant: tuple = ()  # inputs whose gradient PyTorch has and ONNX's operator has not


class Numbers:
    """Specifications of inputs, each `noise` with a salt of its own."""

    def __init__(self, first):
        self.salt = first

    def __call__(self, *shape, low=-1.0, high=1.0):
        self.salt += 1
        return ("noise", shape, self.salt, low, high)


def values(nested):
    return ("floats", nested)


def ints(nested):
    return ("ints", nested)


def families(torch, functional):
    import cases  # the module itself, for Case and the specifications

    return {
        "elementwise": elementwise_cases.cases(torch, functional, cases),
        "layers": layer_cases.cases(torch, functional, cases),
        "movement": movement_cases.cases(torch, functional, cases),
    }
