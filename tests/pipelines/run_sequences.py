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


def memory_cell(bench):
    """state' = tanh(x A + state B), y = state' C, with weights of 4 bits so that there is something to correct."""
    random = numpy.random.default_rng(11)
    a, b, c = (random.normal(size=(WIDTH, WIDTH)) / 2 for _ in range(3))
    shape = [1, WIDTH]
    (bench.work / "cell.onnx").write_bytes(onnx.model(
        [onnx.node("MatMul", ["x", "a"], ["p"], "read"), onnx.node("MatMul", ["state", "b"], ["q"], "keep"),
         onnx.node("Add", ["p", "q"], ["s"]), onnx.node("Tanh", ["s"], ["stateN"]), onnx.node("Gemm", ["stateN", "c", "d"], ["y"], "give")],
        [onnx.value_info("x", shape), onnx.value_info("state", shape)], [onnx.value_info("y", shape), onnx.value_info("stateN", shape)],
        [onnx.tensor(name, (WIDTH, WIDTH), m.ravel().tolist()) for name, m in (("a", a), ("b", b), ("c", c))]
        + [onnx.tensor("d", (WIDTH,), [0.0] * WIDTH)]))
    x = random.normal(size=(COUNT, FRAMES, 1, WIDTH)).astype(numpy.float32)
    numpy.save(bench.work / "x.npy", x)
    bench.run("evaluate", "cell.onnx", "--outputs-npy", "cell", "--feedback", "stateN=state", "--quiet", "--data", "x=x.npy")
    state = numpy.load(bench.work / "cell" / "stateN.npy").reshape(COUNT, FRAMES, 1, WIDTH)
    before = numpy.concatenate([numpy.zeros((COUNT, 1, 1, WIDTH), numpy.float32), state[:, :-1]], axis=1)
    numpy.save(bench.work / "frames.npy", x.reshape(-1, 1, WIDTH))
    numpy.save(bench.work / "recorded.npy", before.reshape(-1, 1, WIDTH))


def analysis(bench):
    """The error of operators over sequences is that over their frames, each from the state that the float model has."""
    memory_cell(bench)

    def analyze(name, *args):
        bench.run("analyze", "cell.onnx", "-p", "onnxruntime-int8", "--samples", 1000, "--only",
                  "graphwise,layerwise,own,statistics", "--json", f"{name}.json", "-q", *args)
        figures = bench.json(f"{name}.json")
        figures.pop("analysis_seconds", None)
        return figures

    fed = ["-c", "x=x.npy", "--feedback", "stateN=state"]
    found, wanted = analyze("fed", *fed), analyze("recorded", "-c", "x=frames.npy", "-c", "state=recorded.npy")
    require(len(found["operators"]) == 3, f"{len(found['operators'])} operators")
    for a, b in zip(found["operators"], wanted["operators"]):
        for kind in ("graphwise", "layerwise", "own", "inherited"):
            x, y = a[kind]["noise_to_signal"], b[kind]["noise_to_signal"]
            require(abs(x - y) <= 1e-6 * y, f"{kind} of {a['name']}: {x}, over recorded frames {y}")
    for a, b in zip(found["variables"], wanted["variables"]):
        require(a["float"]["count"] == b["float"]["count"], f"{a['value']}: {a} instead of {b}")
    require(analyze("three", *fed, "--threads", 3) == analyze("one", *fed, "--threads", 1), "other figures on three threads")
    budget = analyze("budget", *fed, "--memory-budget", "256MiB")
    require(budget["operators"] == found["operators"], "other figures within a memory budget")


def corrections(bench):
    """Passes that compare with the float network work over sequences, and the same on any number of threads."""
    memory_cell(bench)

    def noise(name, steps, threads):
        passes = ["assign-configs", "parameter-quantize", "runtime-calibration", *steps, "parameter-baking"]
        (bench.work / "p.yaml").write_text("\n".join([
            "halftone: 1", "model: cell.onnx", "platform: narrow", f"passes: [{', '.join(passes)}]", "calibration:",
            f"  threads: {threads}", "  inputs: {x: {path: x.npy}}", "  feedback: {stateN: state}", "evaluate:",
            "  inputs: {x: {path: x.npy}}", "export:", f"  - {{path: {name}.onnx}}"]) + "\n")
        bench.run("run", "p.yaml", "--json", f"{name}.json", "-q", "--plugin-path", bench.work)
        return bench.json(f"{name}.json")["outputs"][0]["noise_to_signal"]

    text = (bench.plugins / "tensorrt-int8.platform.yaml").read_text().replace("weight: {bits: 8", "weight: {bits: 4")
    (bench.work / "narrow.platform.yaml").write_text(text.replace("id: tensorrt-int8", "id: narrow"))
    plain = noise("plain", [], 1)
    for step in ("round-tuning", "bias-correction", "seq-mse"):
        left = noise(f"{step}.1", [step], 1)
        require(left < plain, f"{step}: noise/signal {left}, {plain} without it")
        noise(f"{step}.3", [step], 3)
        require(bench.bytes(f"{step}.1.onnx") == bench.bytes(f"{step}.3.onnx"), f"{step}: another file on three threads")


def profiled(bench):
    """A profile runs whole sequences; a step runs once a frame."""
    memory_cell(bench)
    bench.run("profile", "cell.onnx", "--data", "x=x.npy", "--feedback", "stateN=state", "--runs", 2, "--threads", 1, "--json", "p.json", "-q")
    figures = bench.json("p.json")
    require(figures["samples"] == 2 * COUNT, f"{figures['samples']} samples")
    runs = {step["runs"] for step in figures["steps"] if "inside" not in step and step["type"] == "MatMul"}
    require(runs == {(2 * COUNT + 1) * FRAMES}, f"steps ran {runs} times")


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
    bench.run("analyze", model / "model.onnx", "-p", "onnxruntime-int8", "-c", f"input={model}/calib/input.npy", "--sample-axis", "none",
              "--feedback", "stateN=state", "--json", "a.json", "-q")
    require(len(bench.json("a.json")["operators"]) > 5, "hardly any operator was analysed")
    bench.run("profile", model / "model.onnx", "--runs", 1, *test[:-1], "--json", "p.json", "-q")
    print(f"float differs by {numpy.abs(found - wanted).max():.2e}; quantized decides {same:.4f} of the frames alike, mean "
          f"difference {numpy.abs(quantized - wanted).mean():.4f}")


TESTS = (states, axes, calibration, in_a_file, analysis, corrections, profiled, silero)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
