"""Pipelines: quantize() and plan()."""
from __future__ import annotations

import ctypes as c
import json
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from . import _structs as s
from ._call import Stop, checked, interruptible
from ._engine import Engine
from ._library import library, optional, take_text, texts
from ._model import Model, PathLike, Samples, _labels, load
from ._samples import GivenSamples


class _Request:
    """The options of a run, with all that they point to."""

    def __init__(self, model: Union[Model, PathLike, bytes], samples: Optional[Samples], *,
                 pipeline: Union[None, PathLike, Mapping[str, Any]], platform: Union[None, str, Mapping[str, Any]],
                 passes: Optional[Sequence[Any]], preset: Optional[str], observer: Optional[str],
                 overrides: Optional[Sequence[Mapping[str, Any]]], executor: Optional[str],
                 preprocess: Union[None, PathLike, Mapping[str, Any]], limit: Optional[int], threads: Optional[int],
                 memory_budget: Optional[str], statistics: Optional[PathLike], skip_bad: bool, test: Optional[Samples],
                 labels: Any, mode: Optional[str], batched: bool, count: Optional[int],
                 export: Union[None, PathLike, Sequence[Mapping[str, Any]]], configs_out: Optional[PathLike],
                 settings: Sequence[str], stop: Optional[Stop], engine: Optional[Engine]):
        self.model = model if isinstance(model, Model) else load(model, engine=engine)
        self.engine = self.model.engine
        self.stop = stop or Stop()
        self.options = options = s.RunOptions(preset=optional(preset), stop=self.stop.raw)
        self.given = self._samples(samples, batched, count)
        self.test = self._samples(test, batched, None)
        tree: Dict[str, Any] = {"halftone": 1, **(pipeline if isinstance(pipeline, Mapping) else {})}
        calibration = _without_none({
            "preprocess": os.fspath(preprocess) if isinstance(preprocess, os.PathLike) else preprocess, "limit": limit,
            "threads": threads, "memory_budget": memory_budget,
            "statistics": None if statistics is None else os.fspath(statistics),
            "on_bad_sample": "skip" if skip_bad else None})
        if calibration:
            tree["calibration"] = {**tree.get("calibration", {}), **calibration}
        if mode is not None:
            tree["evaluate"] = {**tree.get("evaluate", {}), "mode": mode}
        tree.update(_without_none({
            "platform": platform, "passes": None if passes is None else list(passes), "observer": observer,
            "overrides": None if overrides is None else list(overrides), "executor": executor,
            "configs_out": None if configs_out is None else os.fspath(configs_out)}))
        if export is not None:
            tree["export"] = ([{"path": os.fspath(export)}] if isinstance(export, (str, os.PathLike))
                              else [dict(step) for step in export])
        self._fill(pipeline, tree, list(settings))
        self.numbers, size = _labels(labels)
        if self.numbers is not None:
            options.labels, options.label_count = self.numbers.ctypes.data_as(c.POINTER(s.i64)), size
        if self.given is not None:
            options.calibration = c.pointer(self.given.struct)
        if self.test is not None:
            options.evaluation = c.pointer(self.test.struct)

    def _samples(self, source: Optional[Samples], batched: bool, count: Optional[int]) -> Optional[GivenSamples]:
        return None if source is None else GivenSamples(source, self.model.inputs, batched=batched, count=count)

    def _fill(self, pipeline: Any, tree: Dict[str, Any], settings: List[str]) -> None:
        if isinstance(pipeline, (str, os.PathLike)):
            self.options.file = os.fspath(pipeline).encode()
        settings = _assignments(tree) + settings  # what is said here goes before what the file says
        self._settings = texts(settings)
        self.options.settings, self.options.setting_count = self._settings, len(settings)

    def call(self, function: Any, *outputs: Any) -> None:
        def work() -> None:
            with self.engine.handle.use() as engine, self.model.handle.use() as model:
                self.options.model = model
                checked(function(engine, c.byref(self.options), *outputs), self.given, self.test)

        try:
            interruptible(work, self.stop)
        finally:
            for given in (self.given, self.test):
                if given is not None:
                    given.end()


def _without_none(entries: Dict[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in entries.items() if value is not None}


def _assignments(tree: Dict[str, Any]) -> List[str]:
    out = []
    for key, value in tree.items():
        if key == "halftone":
            continue
        if key in ("calibration", "evaluate"):
            out += [f"{key}.{inner}={json.dumps(entry)}" for inner, entry in value.items()]
        else:
            out.append(f"{key}={json.dumps(value)}")
    return out


def quantize(model: Union[Model, PathLike, bytes], samples: Optional[Samples] = None, *,
             pipeline: Union[None, PathLike, Mapping[str, Any]] = None,
             platform: Union[None, str, Mapping[str, Any]] = None, passes: Optional[Sequence[Any]] = None,
             preset: Optional[str] = None, observer: Optional[str] = None,
             overrides: Optional[Sequence[Mapping[str, Any]]] = None, executor: Optional[str] = None,
             preprocess: Union[None, PathLike, Mapping[str, Any]] = None, limit: Optional[int] = None,
             threads: Optional[int] = None, memory_budget: Optional[str] = None,
             statistics: Optional[PathLike] = None, skip_bad: bool = False, test: Optional[Samples] = None,
             labels: Any = None, mode: Optional[str] = None, batched: bool = False, count: Optional[int] = None,
             export: Union[None, PathLike, Sequence[Mapping[str, Any]]] = None,
             configs_out: Optional[PathLike] = None, settings: Sequence[str] = (), stop: Optional[Stop] = None,
             engine: Optional[Engine] = None) -> Model:
    """Quantizes a float model and gives the quantized one, with the run's figures in `figures`.

    `samples`: an iterable of samples, or a function that returns one. A sample is an array for the model's only input,
    without a batch axis or with one of 1; a dict of arrays by the names of the inputs; or a tuple in their order. With
    `batched` each item holds several samples along axis 0. An iterator (a generator) can be gone through once; pipelines
    that need the samples again ask for a list, an object whose __iter__ starts anew, or a function. `count` says how
    many there are where len() does not; only a memory budget needs it.

    `platform` is a name, or {name: settings}; `preset`, `passes`, `observer`, `overrides`, `executor` and `configs_out`
    are as in a pipeline file, `preprocess` too (its keys, or a file). `pipeline` is a whole pipeline, as a file or as a
    dict; what is given besides goes before it, and `settings` ("key=value") before all. `test` are samples on which the
    float and the quantized model are compared, and `labels` the class numbers of these, or of `samples` without them.
    `export` is a file to write, or a list of {format, path, ...}.

    Ctrl-C, or `stop.stop()` from another thread, ends it; then no file has been written.
    """
    arguments = dict(locals())
    request = _Request(arguments.pop("model"), arguments.pop("samples"), **arguments)
    made, figures = s.ptr(), s.ptr()
    request.call(library().ht_run, c.byref(made), c.byref(figures))
    return Model(request.engine, made, json.loads(take_text(figures)))


def _options(function: str, options: Dict[str, Any]) -> Dict[str, Any]:
    """Those of quantize(), with its defaults."""
    known = dict(quantize.__kwdefaults__ or {})
    for name in options:
        if name not in known:
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
    return {**known, **options}


def plan(model: Union[Model, PathLike, bytes], samples: Optional[Samples] = None, **options: Any) -> Dict[str, Any]:
    """What quantize() with the same arguments would do: everything is checked, nothing computed."""
    request = _Request(model, samples, **_options("plan", options))
    made = s.ptr()
    request.call(library().ht_plan, c.byref(made))
    return json.loads(take_text(made))


def calibrate(model: Union[Model, PathLike, bytes], samples: Samples, path: PathLike, *,
              platforms: Sequence[str] = (), **options: Any) -> Dict[str, Any]:
    """Takes statistics of the samples and writes them to NAME.htstats, for quantize(statistics=...) later: with any
    observer, without the samples. `platforms`: those whose runs the file is to serve, all by default; or `platform`,
    `passes` and so on as in quantize(), whose options these are. The samples are gone
    through once for each graph that the passes of the platforms make of the model. Gives figures."""
    request = _Request(model, samples, **_options("calibrate", options))
    names, made = texts(platforms), s.ptr()
    request.call(library().ht_calibrate, names, len(platforms), os.fspath(path).encode(), c.byref(made))
    return json.loads(take_text(made))
