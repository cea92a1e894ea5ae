"""Integer mode from end to end on the example model: both executors, every multiplier, files and pipelines. Needs NumPy. Each
function is one test; the first argument names it."""
import json
import pathlib
import re
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

LIMIT = 100


def evaluate(bench, file, mode, executor="onednn", *args):
    """Outputs of all samples, and the figures."""
    folder = f"{mode}-{executor}"
    bench.run("evaluate", file, "--mode", mode, "--executor", executor, "--data", bench.glyphs / "test" / "x.npy", "--labels",
              bench.glyphs / "test" / "y.npy", "--against", bench.glyphs / "model.onnx", "--preprocess", bench.glyphs / "meta.json",
              "--limit", LIMIT, "--outputs-npy", folder, "--json", "figures.json", "--quiet", *args)
    figures = json.loads(bench.bytes("figures.json"))
    return numpy.load(bench.work / figures["written"][0]), figures


def platform_with(bench, multiplier):
    """A platform like onnxruntime-int8 with another multiplier; gives its name and where it lies."""
    text = (pathlib.Path(bench.plugins) / "onnxruntime-int8.platform.yaml").read_text()
    text, ids = re.subn(r"^id: .*$", f"id: with-{multiplier}", text, flags=re.M)
    text, keys = re.subn(r"^integer: .*$", f"integer: {{multiplier: {multiplier}}}", text, flags=re.M)
    require(ids == 1 and keys == 1, "the platform file has another form")
    folder = bench.work / "plugins"
    folder.mkdir(exist_ok=True)
    (folder / f"with-{multiplier}.platform.yaml").write_text(text)
    return f"with-{multiplier}", folder


def executors(bench):
    """The same bytes from both, with every multiplier, and on any number of threads."""
    bench.quantize("model")
    seen = set()
    for multiplier in ("float32", "float64", "fixed-point", "gemmlowp"):
        name, folder = platform_with(bench, multiplier)
        options = ("--platform", name, "--plugin-path", folder)
        fast, figures = evaluate(bench, "model.onnx", "integer", "onednn", "--threads", 1, *options)
        many, _ = evaluate(bench, "model.onnx", "integer", "onednn", "--threads", 3, *options)
        plain, _ = evaluate(bench, "model.onnx", "integer", "reference", *options)
        require(numpy.array_equal(fast, plain), f"{multiplier}: the executors differ in {numpy.sum(fast != plain)} outputs")
        require(numpy.array_equal(fast, many), f"{multiplier}: threads change the outputs")
        require(figures["top1"] > 0.9, f"{multiplier}: top-1 {figures['top1']}")
        seen.add(fast.tobytes())
    require(len(seen) >= 3, "the multipliers do not differ")


def simulated(bench):
    """A file's nodes run as they are and simulated give the same; integer mode differs by ties only."""
    bench.quantize("model")
    nodes, _ = evaluate(bench, "model.onnx", "float", "reference")
    fake, _ = evaluate(bench, "model.onnx", "simulated", "reference")
    require(numpy.array_equal(nodes, fake), "simulated mode does not compute what the file's nodes compute")
    integers, figures = evaluate(bench, "model.onnx", "integer", "reference")
    same = numpy.mean(numpy.all((integers == fake).reshape(LIMIT, -1), axis=1))
    require(same > 0.25, f"only {same:.0%} of the samples have the outputs of simulated mode")
    noise = numpy.mean((integers - fake) ** 2) / numpy.mean(fake ** 2)
    require(noise < 1e-3, f"noise/signal {noise} between integer and simulated mode")
    covered = figures["integer"]
    require(covered["sums"] >= 10 and covered["codes"] >= 10, f"too little is on integers: {covered}")
    require(all("Sigmoid" in name or "Concat" in name for name in covered["float"]), f"more is in float: {covered}")


def pipeline(bench):
    """A pipeline's evaluation computes what the exported file computes."""
    body = (f"evaluate: {{path: {bench.glyphs}/test/x.npy, labels: {bench.glyphs}/test/y.npy, limit: {LIMIT}, mode: integer}}\n"
            "export: [{path: out.onnx}]\n")
    bench.pipeline("integer", body, "--json", "run.json")
    inside = json.loads(bench.bytes("run.json"))
    _, outside = evaluate(bench, "out.onnx", "integer")
    for key in ("top1", "agreement"):
        require(inside[key] == outside[key], f"{key}: {inside[key]} in the run, {outside[key]} of the file")
    a, b = (figures["outputs"][0]["noise_to_signal"] for figures in (inside, outside))
    require(abs(a - b) <= 1e-4 * b, f"noise/signal {a} in the run, {b} of the file")


def profiles(bench):
    """What each node is computed on."""
    bench.quantize("model")
    text = bench.run("profile", "model.onnx", "--mode", "integer", "--runs", 1)
    require("integer sums" in text and "codes" in text, text)


def budget(bench):
    """A memory budget is kept, by both executors, and refused where it does not do."""
    bench.quantize("model")
    arguments = ("evaluate", "model.onnx", "--mode", "integer", "--data", bench.glyphs / "test" / "x.npy", "--preprocess",
                 bench.glyphs / "meta.json", "--limit", LIMIT, "--json", "figures.json", "--quiet", "--memory-budget")
    for executor in ("onednn", "reference"):
        bench.run(*arguments, "64MiB", "--executor", executor)
        figures = json.loads(bench.bytes("figures.json"))
        require(figures["peak_memory_bytes"] <= 64 << 20, f"{executor}: {figures['peak_memory_bytes']} bytes")
    error = bench.fails(*arguments, "8MiB")
    require("memory" in error, error)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, [executors, simulated, pipeline, profiles, budget], Bench, FOLDERS))
