"""Runs an installed halftone with an example's plug-in, on the example model or on real ones."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pipelines"))
from glyphs import Bench  # noqa: E402
from test_main import require  # noqa: E402

FOLDERS = {"glyphs": "the folder of the example model", "plugins": "where the example was built", "example": "its folder"}
SKIPPED = 77


def real_model(bench, name):
    """A folder with a real model and its data, or the end of the test."""
    shared = os.environ.get("HALFTONE_SHARED", "")
    if not shared:
        print("skipped: HALFTONE_SHARED does not name a folder of real models")
        sys.exit(SKIPPED)
    origin, folder = pathlib.Path(shared) / "models" / name, bench.work / name
    for path in origin.rglob("*"):
        # A copy without symbolic links has a link as a file of text.
        target = path
        if path.suffix == ".npy" and path.stat().st_size < 128:
            target = (path.parent / path.read_text().strip()).resolve()
        if path.is_file():
            place = folder / path.relative_to(origin)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(target)
    return folder


def in_onnx_runtime(bench, model, x):
    """What ONNX Runtime computes, or the end of the test where nobody has installed it (tests/acceptance/consumer/run.sh does)."""
    modules, node = os.environ.get("HALFTONE_CONSUMER", ""), shutil.which("node")
    if not node or not (pathlib.Path(modules) / "node_modules" / "onnxruntime-node").is_dir():
        print("skipped: no ONNX Runtime for Node.js; HALFTONE_CONSUMER names the folder of its packages")
        sys.exit(SKIPPED)
    numpy.save(bench.work / "ort_x.npy", x)
    done = subprocess.run([node, pathlib.Path(__file__).parent / "run_in_ort.mjs", modules, bench.work / model,
                           bench.work / "ort_x.npy", bench.work / "ort_y.npy"], capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"ONNX Runtime: {done.stderr}")
    return numpy.load(bench.work / "ort_y.npy")


class ExampleBench(Bench):
    def __init__(self, options, folder):
        super().__init__(options, folder)
        self.example = options.example

    def run(self, *args):
        return super().run(*args, "--plugin-path", self.plugins)

    def fails(self, *args):
        return super().fails(*args, "--plugin-path", self.plugins)

    def pipeline_of(self, folder, name, body, *args, platform, limit=64, calibration="calib/x.npy"):
        """A pipeline for the model of a folder that looks like that of the example."""
        head = [f"halftone: 1", f"model: {folder}/model.onnx", f"platform: {platform}",
                f"calibration: {{path: {folder}/{calibration}, preprocess: {folder}/meta.json, limit: {limit}}}"]
        (self.work / f"{name}.yaml").write_text("\n".join(head) + "\n" + body)
        return self.run("run", f"{name}.yaml", "--quiet", *args)

    def outputs(self, folder, model, limit, *args):
        """What a model gives for the first test samples, and the figures beside the float model."""
        self.run("evaluate", model, "--data", folder / "test" / "x.npy", "--preprocess", folder / "meta.json", "--against",
                 folder / "model.onnx", "--limit", limit, "--outputs-npy", "outputs", "--json", "figures.json", "--quiet", *args)
        figures = self.json("figures.json")
        return numpy.load(self.work / figures["written"][0]), figures


def require_schema(bench, kind, file):
    """Requires that a file of the example is valid by the schema that `halftone` makes with the example's plug-in."""
    try:
        import jsonschema
        import yaml
    except ImportError:
        print("skipped: no Python with jsonschema and yaml")
        sys.exit(SKIPPED)
    validator = jsonschema.Draft202012Validator(json.loads(bench.run("schema", kind)))
    tree = json.loads(json.dumps(yaml.safe_load((bench.example / file).read_text())))  # keys of JSON are texts
    faults = [fault.message for fault in validator.iter_errors(tree)]
    require(not faults, f"{file}: {faults}")


def samples(folder, limit, meta):
    """Test samples as the model takes them, by this file's own arithmetic."""
    x = numpy.load(folder / "test" / "x.npy", mmap_mode="r")[:limit].astype(numpy.float32)
    if meta.get("channel_order", "RGB").upper() == "BGR":
        x = x[..., ::-1]
    scaled = x * numpy.float32(meta["scale"])
    x = (scaled - numpy.array(meta["mean"], numpy.float32)) / numpy.array(meta["std"], numpy.float32)
    return numpy.ascontiguousarray(x.transpose(0, 3, 1, 2))


def require_close(value, wanted, tolerance, what):
    require(abs(value - wanted) <= tolerance * max(abs(wanted), 1e-30), f"{what}: {value}, not {wanted}")
