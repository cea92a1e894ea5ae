"""The passes that train from end to end on the example model. Each function is one test; the first argument names it."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402
from run_correction import corrected, narrow, noise  # noqa: E402

SHORT = "steps: 60, batch: 16"
PASSES = (f"learned-step-size: {{{SHORT}, lr: 0.0005}}", f"adaround: {{{SHORT}, lr: 0.01}}",
          f"blockwise-reconstruction: {{{SHORT}, lr: 0.01}}", f"qdrop: {{{SHORT}, lr: 0.01}}")


def less_noise(bench):
    """With weights of 4 bits every pass leaves less noise than plain rounding."""
    form = narrow(bench)
    plain = noise(corrected(bench, "plain", (), **form))
    for number, step in enumerate(PASSES):
        left = noise(corrected(bench, f"pass{number}", (step,), **form))
        require(left < plain, f"{step}: noise/signal {left}, {plain} without it")


def threads(bench):
    """Byte for byte the same model and configs on one thread and on three."""
    form = narrow(bench)
    for step in PASSES:
        for count in (1, 3):
            corrected(bench, f"t{count}", (step,), f", limit: 40, threads: {count}", **form)
        for ending in ("onnx", "configs"):
            require(bench.bytes(f"t1.{ending}") == bench.bytes(f"t3.{ending}"), f"{step}: another {ending} on three threads")


def seeds(bench):
    """The seed decides, and nothing else does."""
    form = narrow(bench)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        corrected(bench, name, (f"qdrop: {{{SHORT}, lr: 0.01, seed: {seed}}}",), ", limit: 40", **form)
    require(bench.bytes("a.onnx") == bench.bytes("b.onnx"), "the same seed gives another model")
    require(bench.bytes("a.onnx") != bench.bytes("c.onnx"), "another seed gives the same model")


def never_dropped(bench):
    """qdrop that always quantizes is blockwise-reconstruction."""
    form = narrow(bench)
    corrected(bench, "q", (f"qdrop: {{{SHORT}, probability: 1}}",), ", limit: 40", **form)
    corrected(bench, "b", (f"blockwise-reconstruction: {{{SHORT}}}",), ", limit: 40", **form)
    require(bench.bytes("q.onnx") == bench.bytes("b.onnx"), "probability 1 drops something")


def spilled(bench):
    """Data of blocks in a temporary file gives the same bytes, and the file is gone."""
    form = narrow(bench)
    folder = bench.work / "tmp"
    folder.mkdir()
    os.environ["TMPDIR"] = str(folder)
    step = f"learned-step-size: {{{SHORT}"
    corrected(bench, "held", (step + "}",), **form)
    corrected(bench, "spilled", (step + ", memory: 1}",), **form)
    require(bench.bytes("held.onnx") == bench.bytes("spilled.onnx"), "where the data lies changes the result")
    require(not list(folder.iterdir()), f"left behind: {list(folder.iterdir())}")


def taken_back(bench):
    """A block that gets worse stays as it was: a rate that destroys everything changes no byte of the weights."""
    form = narrow(bench)
    corrected(bench, "plain", (), ", limit: 40", **form)
    corrected(bench, "worse", (f"learned-step-size: {{{SHORT}, lr: 1, schedule: constant}}",), ", limit: 40", **form)
    require(bench.bytes("plain.onnx") == bench.bytes("worse.onnx"), "a block that got worse was kept")


def quantized_biases(bench):
    """Biases follow the scales that moved, and the exported file computes what is simulated."""
    figures = corrected(bench, "q", (PASSES[0], PASSES[1]), platform="onnxruntime-int8")
    test = bench.glyphs / "test"
    bench.run("evaluate", "q.onnx", "--data", test, "--labels", test / "y.npy", "--preprocess", bench.glyphs / "meta.json",
              "--against", bench.glyphs / "model.onnx", "--json", "exported.json", "-q")
    exported = bench.json("exported.json")
    require(figures["top1"] == exported["top1"], f"top-1 {figures['top1']} simulated, {exported['top1']} exported")
    require(abs(noise(figures) - noise(exported)) < 1e-3 * noise(exported), f"noise {noise(figures)}, exported {noise(exported)}")


TESTS = (less_noise, threads, seeds, never_dropped, spilled, taken_back, quantized_biases)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
