"""Models that hand their state from frame to frame, over whole sequences. Needs NumPy. Each function is one test; the first
argument names it."""
import os
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

SKIPPED = 77
COUNT, FRAMES, WIDTH = 6, 5, 4


def running_sum(bench):
    """state' = state + x, y = max(state', 0), frame by frame."""
    shape = [1, WIDTH]
    (bench.work / "sum.onnx").write_bytes(onnx.model(
        [onnx.node("Add", ["x", "state"], ["stateN"]), onnx.node("Relu", ["stateN"], ["y"])],
        [onnx.value_info("x", shape), onnx.value_info("state", shape)],
        [onnx.value_info("y", shape), onnx.value_info("stateN", shape)]))
    random = numpy.random.default_rng(7)
    x = random.integers(-64, 64, size=(COUNT, FRAMES, 1, WIDTH)).astype(numpy.float32) / 16  # sums are exact
    first = random.integers(-64, 64, size=(COUNT, 1, WIDTH)).astype(numpy.float32) / 16
    numpy.save(bench.work / "x.npy", x)
    numpy.save(bench.work / "first.npy", first)
    return x, first


def outputs(bench, *args):
    bench.run("evaluate", "sum.onnx", "--outputs-npy", "out", "--feedback", "stateN=state", "--quiet", *args)
    return numpy.load(bench.work / "out" / "y.npy"), numpy.load(bench.work / "out" / "stateN.npy")


def states(bench):
    """States begin with zeros or with what is given, and every sequence begins anew."""
    x, first = running_sum(bench)
    for given, start in ((["--data", "state=first.npy"], first[:, None]), ([], 0)):
        want = start + numpy.cumsum(x, axis=1)
        for threads in (1, 4):
            for executor in ("onednn", "reference"):
                y, state = outputs(bench, "--data", "x=x.npy", "--threads", threads, "--executor", executor, *given)
                require(numpy.array_equal(state, want), "the states are not the running sums")
                require(numpy.array_equal(y, numpy.maximum(want, 0)), "the outputs are not those of the states")


def axes(bench):
    """Frames along an axis of their own, and along one that the model's input has; one file as one sample."""
    x, _ = running_sum(bench)
    want = outputs(bench, "--data", "x=x.npy")[1]
    flat = x.transpose(0, 2, 1, 3).reshape(COUNT, 1, FRAMES * WIDTH)
    numpy.save(bench.work / "flat.npy", flat)
    numpy.save(bench.work / "last.npy", x.transpose(0, 2, 3, 1))
    for name, axis in (("flat.npy", 1), ("last.npy", 2)):
        found = outputs(bench, "--data", f"x={name}", "--sequence-axis", axis)[1]
        require(numpy.array_equal(found, want), f"frames along axis {axis} of {name} give another result")
    numpy.save(bench.work / "one.npy", x[2])
    numpy.savez(bench.work / "one.npz", x=x[2])
    for name in ("one.npy", "one.npz"):
        found = outputs(bench, "--data", f"x={name}", "--sample-axis", "none")[1]
        require(numpy.array_equal(found, want[2:3]), f"{name} as one sample gives another result")


def calibration(bench):
    """Every frame counts once, on any number of threads: the scales are those of frames with recorded states."""
    x, _ = running_sum(bench)
    before = numpy.cumsum(x, axis=1) - x
    numpy.save(bench.work / "frames.npy", x.reshape(-1, 1, WIDTH))
    numpy.save(bench.work / "recorded.npy", before.reshape(-1, 1, WIDTH))

    def quantize(name, *args):
        bench.run("quantize", "sum.onnx", "--platform", "onnxruntime-int8", "--observer", "minmax", "--dispatcher", "allin", "--output", f"{name}.onnx",
                  "--configs-out", f"{name}.json", "--quiet", *args)
        return [{key: slot.get(key) for key in ("state", "scale", "offset")} for slot in bench.slots(f"{name}.json").values()]

    wanted = quantize("recorded", "-c", "x=frames.npy", "-c", "state=recorded.npy")
    require(any(slot["scale"] for slot in wanted), "nothing was quantized")
    files = set()
    for threads in (1, 3):
        found = quantize("fed", "-c", "x=x.npy", "--feedback", "stateN=state", "--threads", threads)
        require(found == wanted, "calibration on sequences gives other scales than on their frames")
        files.add(bench.bytes("fed.onnx"))
    require(len(files) == 1, "the file depends on the number of threads")


def in_a_file(bench):
    """The same keys in a pipeline file; `evaluate` takes them over."""
    running_sum(bench)
    (bench.work / "pipeline.yaml").write_text("\n".join([
        "halftone: 1", "model: sum.onnx", "platform: onnxruntime-int8", "dispatch: allin", "calibration:", "  inputs:", "    x: {path: x.npy}",
        "  feedback: {stateN: state}", "  sequence_axis: 0", "evaluate:", "  inputs:", "    x: {path: x.npy}",
        "    state: {path: first.npy}", "export:", "  - {path: out.onnx}"]) + "\n")
    bench.run("run", "pipeline.yaml", "--json", "figures.json", "--quiet")
    figures = bench.json("figures.json")
    require(0 < figures["outputs"][0]["noise_to_signal"] < 0.05, f"unexpected figures: {figures}")


def silero(bench):
    """The speech model over its whole recording: probabilities of ONNX Runtime, and little noise after quantization."""
    shared = os.environ.get("HALFTONE_SHARED")
    if not shared:
        print("HALFTONE_SHARED is not set: the model silero-vad is not there")
        sys.exit(SKIPPED)
    model = pathlib.Path(shared) / "models" / "silero-vad"
    test = ["--data", f"input={model}/test/input.npy", "--data", f"state={model}/test/state0.npy", "--sample-axis", "none",
            "--feedback", "stateN=state", "--quiet"]
    bench.run("evaluate", model / "model.onnx", "--outputs-npy", "out", *test)
    found = numpy.load(bench.work / "out" / "output.npy").ravel()
    wanted = numpy.load(model / "test" / "prob_fp32.npy").ravel()
    require(found.shape == wanted.shape, f"{found.shape} probabilities instead of {wanted.shape}")
    require(numpy.abs(found - wanted).max() < 1e-4, f"probabilities differ by {numpy.abs(found - wanted).max()}")
    bench.run("quantize", model / "model.onnx", "--platform", "onnxruntime-int8", "--output", "vad.onnx", "--quiet",
              "-c", f"input={model}/calib/input.npy", "--sample-axis", "none", "--feedback", "stateN=state")
    bench.run("evaluate", "vad.onnx", "--outputs-npy", "quantized", *test)
    quantized = numpy.load(bench.work / "quantized" / "output.npy").ravel()
    same = numpy.mean((quantized > 0.5) == (wanted > 0.5))
    require(same > 0.97, f"only {same:.3f} of the frames are decided alike")
    print(f"float differs by {numpy.abs(found - wanted).max():.2e}; quantized decides {same:.4f} of the frames alike, mean "
          f"difference {numpy.abs(quantized - wanted).mean():.4f}")


TESTS = (states, axes, calibration, in_a_file, silero)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
