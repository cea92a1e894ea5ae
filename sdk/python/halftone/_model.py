"""Models: loading, quantizing, running, evaluating, looking into and exporting them."""
from __future__ import annotations

import ctypes as c
import json
import os
import threading
from contextlib import contextmanager
from typing import (Any, Callable, ContextManager, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple,
                    Union)

import numpy as np

from . import _structs as s
from ._arrays import DTYPES, View, array_of
from ._call import Handle, Stop, checked, interruptible, keep_raised
from ._engine import Engine, default_engine
from ._errors import refuse
from ._library import TakeOutput, check, library, optional, take_text, texts
from ._samples import GivenSamples
from ._services import Services
from .graph import Graph

PathLike = Union[str, "os.PathLike[str]"]
Arrays = Union[np.ndarray, Sequence[np.ndarray], Mapping[str, np.ndarray]]
Samples = Union[Iterable[Any], Callable[[], Iterable[Any]]]
_MOST_OPEN = 4  # sessions that run() keeps
MODES = {"float": 1, "simulated": 2, "integer": 3}


def _mode(name: str) -> int:
    if name not in MODES:
        raise refuse(f"the mode must be float, simulated or integer, not '{name}'")
    return MODES[name]


def _labels(labels: Any) -> Tuple[Optional[np.ndarray], int]:
    if labels is None:
        return None, 0
    array = np.asarray(labels)
    if array.ndim != 1 or not (np.issubdtype(array.dtype, np.integer)):
        raise refuse(f"labels are class numbers along one axis, not {array.dtype} of shape {list(array.shape)}")
    if array.size == 0:
        raise refuse("there are no labels; give one for each sample, or None")
    return np.ascontiguousarray(array, np.int64), array.size


class Inference:
    """A model made ready to run, in one mode. Several threads may call run(); `threads` of them run at once."""

    def __init__(self, model: "Model", mode: Optional[str] = None, *, threads: int = 0,
                 outputs: Optional[Sequence[str]] = None, executor: Optional[str] = None,
                 platform: Optional[str] = None):
        names = texts(outputs or ())
        options = s.InferenceOptions(mode=_mode(mode or model.mode), threads=threads, executor=optional(executor),
                                     platform=optional(platform))
        if outputs is not None:
            options.outputs, options.output_count = names, len(outputs)
        made, described = s.ptr(), s.ptr()
        lib = library()
        with model.handle.use() as raw:
            check(lib.ht_inference_open(raw, c.byref(options), c.byref(made)))
        self._engine = model.engine
        self.handle = Handle(made, lib.ht_inference_close, "inference")
        check(lib.ht_inference_names(made, c.byref(described)))
        parts = json.loads(take_text(described))
        self.inputs: List[str] = [entry["name"] for entry in parts["inputs"]]
        self.outputs: List[str] = [entry["name"] for entry in parts["outputs"]]

    def _in_order(self, inputs: Arrays) -> List[Any]:
        if isinstance(inputs, Mapping):
            missing = [name for name in self.inputs if name not in inputs]
            unknown = [str(name) for name in inputs if name not in self.inputs]
            if missing or unknown:
                raise refuse(f"the model's inputs are {', '.join(self.inputs)}, and arrays are given for "
                             f"{', '.join(map(str, inputs)) or 'none'}")
            return [inputs[name] for name in self.inputs]
        return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]

    def run(self, inputs: Arrays) -> Dict[str, np.ndarray]:
        """Runs one array for each input, with its batch axis; gives the outputs by name, as arrays of their own."""
        views = [View(array) for array in self._in_order(inputs)]
        structs = (s.TensorView * max(1, len(views)))(*(view.struct for view in views))
        found: Dict[str, np.ndarray] = {}

        def take(_user: Any, output: int, tensor: Any) -> int:
            try:
                found[self.outputs[output]] = array_of(tensor.contents)
                return 0
            except BaseException as error:
                keep_raised(error)
                return 10

        callback = TakeOutput(take)
        with self.handle.use() as raw:
            status = library().ht_inference_run(raw, structs, len(views), c.cast(callback, s.ptr), None)
            checked(status)
        return {name: found[name] for name in self.outputs if name in found}

    def close(self) -> None:
        self.handle.close()

    def __enter__(self) -> "Inference":
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.close()


class Model:
    """A model in memory: float as it was loaded, or quantized by a pipeline. Made by load() and quantize()."""

    def __init__(self, engine: Engine, raw: s.ptr, figures: Optional[Dict[str, Any]] = None):
        self.engine = engine
        self.handle = Handle(raw, library().ht_model_destroy, "model")
        #: What the run that made it found: evaluation, sizes, times, what each pass reported, warnings.
        self.figures: Dict[str, Any] = figures or {}
        self._lock = threading.Lock()
        self._open: Dict[Any, Inference] = {}
        with self.look() as graph:
            self.inputs: List[str] = [value.name for value in graph.inputs]
            self.outputs: List[str] = [value.name for value in graph.outputs]
            #: Whether it has quantization configs.
            self.quantized: bool = bool(graph.configs)

    @property
    def mode(self) -> str:
        """What run() and evaluate() take when no mode is named: "simulated" for a quantized model, else "float"."""
        return "simulated" if self.quantized else "float"

    # -- looking into it

    @contextmanager
    def _access(self, edit: bool) -> Iterator[Graph]:
        lib = library()
        made = s.ptr()
        with self.handle.use() as raw:
            check(lib.ht_access_begin(raw, int(edit), c.byref(made)))
        services = Services(lib.ht_access_context(made), lambda name: lib.ht_access_service(made, name))
        try:
            yield Graph(services)
            if edit:
                check(lib.ht_access_commit(made))
                self.quantized = bool(Graph(services).configs)
                self._forget()
        finally:
            services.end()
            lib.ht_access_end(made)

    def look(self) -> ContextManager[Graph]:
        """`with model.look() as graph:` the graph and its configs, as they are now, to read."""
        return self._access(False)

    def edit(self) -> ContextManager[Graph]:
        """`with model.edit() as graph:` the same to edit. When the block ends the verifier looks at the edits, and then
        they count; when it raises, nothing has changed."""
        return self._access(True)

    def configs(self) -> Dict[str, Any]:
        """Every quantization config, in the form of `configs_out:` of a pipeline."""
        made = s.ptr()
        with self.handle.use() as raw:
            check(library().ht_model_configs(raw, c.byref(made)))
        return json.loads(take_text(made))

    # -- running it

    def session(self, mode: Optional[str] = None, **options: Any) -> Inference:
        """An Inference of the model as it is now; options as there."""
        return Inference(self, mode, **options)

    def run(self, inputs: Arrays, mode: Optional[str] = None,
            outputs: Optional[Sequence[str]] = None) -> Dict[str, np.ndarray]:
        """One array for each input (an array, a list in the order of `inputs`, or a dict), with the batch axis. Gives
        the outputs by name; `outputs` may name inner values."""
        key = (mode or self.mode, tuple(outputs) if outputs is not None else None)
        with self._lock:
            session = self._open.get(key)
            if session is None or self.handle.closed:
                while len(self._open) >= _MOST_OPEN:  # the oldest goes, when nobody runs it any more
                    del self._open[next(iter(self._open))]
                session = self._open[key] = Inference(self, key[0], outputs=outputs)
        return session.run(inputs)

    def _forget(self) -> None:
        with self._lock:
            self._open.clear()

    def evaluate(self, samples: Samples, labels: Any = None, *, against: Optional["Model"] = None,
                 mode: Optional[str] = None, preprocess: Optional[Mapping[str, Any]] = None, limit: int = 0,
                 threads: int = 0, skip_bad: bool = False, batched: bool = False, count: Optional[int] = None,
                 executor: Optional[str] = None, platform: Optional[str] = None,
                 stop: Optional[Stop] = None) -> Dict[str, Any]:
        """Accuracy on labelled samples, and the distance from the outputs of `against`: the figures of
        `halftone evaluate --json`. Samples as in quantize()."""
        given = GivenSamples(samples, self.inputs, batched=batched, count=count)
        numbers, size = _labels(labels)
        stop = stop or Stop()
        options = s.EvaluateOptions(mode=_mode(mode or self.mode), samples=c.pointer(given.struct), label_count=size,
                                    limit=limit, threads=threads, skip_bad=int(skip_bad), executor=optional(executor),
                                    preprocess=None if preprocess is None else json.dumps(preprocess).encode(),
                                    platform=optional(platform), stop=stop.raw)
        if numbers is not None:
            options.labels = numbers.ctypes.data_as(c.POINTER(s.i64))

        def work() -> str:
            made = s.ptr()
            with self.handle.use() as raw:
                if against is None:
                    checked(library().ht_evaluate(raw, c.byref(options), c.byref(made)), given)
                else:
                    with against.handle.use() as other:
                        options.against = other
                        checked(library().ht_evaluate(raw, c.byref(options), c.byref(made)), given)
            return take_text(made)

        try:
            return json.loads(interruptible(work, stop))
        finally:
            given.end()

    # -- writing it

    def export(self, path: PathLike, format: str = "onnx-qdq", **settings: Any) -> None:
        """Writes a file with an exporter; `settings` are its parameters. It appears complete or not at all."""
        with self.handle.use() as raw:
            check(library().ht_model_export(raw, optional(format), os.fspath(path).encode(),
                                            json.dumps(settings).encode() if settings else None))

    def close(self) -> None:
        """Gives the model back; using it afterwards is an error."""
        self._forget()
        self.handle.close()

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Model {', '.join(self.inputs)} -> {', '.join(self.outputs)}{', quantized' if self.quantized else ''}>"


def load(source: Union[PathLike, bytes], *, folder: Optional[PathLike] = None, engine: Optional[Engine] = None) -> Model:
    """A model from an ONNX file, or from the bytes of one; files with its weights lie in `folder` then."""
    engine = engine or default_engine()
    made = s.ptr()
    with engine.handle.use() as raw:
        if isinstance(source, (bytes, bytearray, memoryview)):
            data = bytes(source)
            check(library().ht_model_load_bytes(raw, data, len(data), optional(folder), c.byref(made)))
        else:
            check(library().ht_model_load(raw, os.fspath(source).encode(), c.byref(made)))
    return Model(engine, made)
