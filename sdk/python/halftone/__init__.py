"""Halftone from Python: quantize ONNX models, look into them, run and compare them; passes written in Python.

    import halftone

    model = halftone.load("model.onnx")
    quantized = halftone.quantize(model, samples, platform="onnxruntime-int8")
    quantized.export("model.int8.onnx")

The package needs numpy and libhalftone, which it finds in $HALFTONE_LIBRARY, beside itself, or in the prefix that it is
installed in. docs/python.md is the guide.
"""
from ._call import Stop
from ._engine import Engine, default_engine
from ._errors import CODES, HalftoneError
from ._library import library
from ._model import MODES, Inference, Model, load
from ._passes import Pass, PassContext, param, register
from ._pipeline import calibrate, plan, quantize
from .configs import STATES, Config
from .graph import Graph, Node, Value

__all__ = ["CODES", "Config", "Engine", "Graph", "HalftoneError", "Inference", "MODES", "Model", "Node", "Pass",
           "PassContext", "STATES", "Stop", "Value", "components", "calibrate", "default_engine", "load", "param", "plan", "quantize",
           "register", "version"]


def version() -> str:
    """Of the library."""
    return library().ht_version().decode()


def components(kind: str) -> list:
    """What there is of a kind: "pass", "platform", "observer", "executor", "exporter" or "reader"."""
    return default_engine().components(kind)
