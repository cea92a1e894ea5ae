"""Equalization on networks that are made for it. Needs NumPy. Each function is one test; the first argument names it."""
import math
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

AFTER = ("assign-configs", "quantize-fusion", "quantize-simplify", "parameter-quantize", "runtime-calibration", "quant-alignment",
         "passive-parameter-quantize", "parameter-baking")


def decibels(bench, name, passes):
    """Signal over noise at the output behind these passes and quantization, in dB."""
    steps = "".join(f"  - {step}\n" for step in (*passes, *AFTER))
    (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: net.onnx
platform: tensorrt-int8
calibration: {{path: calib.npy}}
evaluate: {{path: test.npy}}
passes:
{steps}export:
  - path: {name}.onnx
""")
    bench.run("run", f"{name}.yaml", "-q", "--json", f"{name}.json")
    return -10 * math.log10(bench.json(f"{name}.json")["outputs"][0]["noise_to_signal"])


def normalized_net(bench, channels=16):
    """Two convolutions with BatchNormalization and Relu in between. Every second channel lies far above zero and varies little:
    beta is 1 and gamma 0.05, where the others have 0 and 1. Folded, these channels have small weights, so that equalization makes
    them larger, and with them what is always there of them."""
    random = numpy.random.default_rng(11)
    normal = lambda *shape: random.normal(size=shape).astype(numpy.float32)  # noqa: E731
    first, second, bias = normal(channels, 8, 1, 1) / 8 ** 0.5, normal(6, channels, 1, 1), normal(6)
    high = numpy.arange(channels) % 2 == 1
    gamma, beta = numpy.where(high, 0.05, 1.0), numpy.where(high, 1.0, 0.0)
    variance = (first ** 2).sum(axis=(1, 2, 3))  # of inputs that are normal
    stored = {"w1": first, "w2": second, "b2": bias, "gamma": gamma, "beta": beta, "mean": numpy.zeros(channels), "var": variance}
    nodes = [onnx.node("Conv", ["x", "w1"], ["a"], "first"),
             onnx.node("BatchNormalization", ["a", "gamma", "beta", "mean", "var"], ["n"], "norm"),
             onnx.node("Relu", ["n"], ["r"], "relu"), onnx.node("Conv", ["r", "w2", "b2"], ["y"], "second")]
    (bench.work / "net.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("x", [1, 8, 6, 6])], [onnx.value_info("y", [1, 6, 6, 6])],
        [onnx.tensor(name, values.shape, values.flatten()) for name, values in stored.items()]))
    numpy.save(bench.work / "calib.npy", normal(32, 8, 6, 6))
    numpy.save(bench.work / "test.npy", normal(32, 8, 6, 6))


def high_biases(bench):
    """Nagel et al. 2019, section 4.1.3: what cross-layer equalization makes of channels that lie high, absorption mends. The three
    ways to know the constant part agree."""
    normalized_net(bench)
    plain = decibels(bench, "plain", ("fold-batch-norm",))
    equalized = decibels(bench, "equalized", ("fold-batch-norm", "cross-layer-equalization"))
    absorbed = {by: decibels(bench, by, ("fold-batch-norm", "cross-layer-equalization", f"bias-absorption: {{by: {by}}}"))
                for by in ("minimum", "three-sigma")}
    first = decibels(bench, "first", ("bias-absorption: {by: batch-norm}", "fold-batch-norm", "cross-layer-equalization"))
    print(f"plain {plain:.1f} dB, equalized {equalized:.1f}, absorbed {absorbed}, by batch-norm {first:.1f}")
    require(equalized < plain - 3, f"equalization alone should lose here: {plain} dB before, {equalized} behind it")
    for by, found in (*absorbed.items(), ("batch-norm", first)):
        require(found > equalized + 5, f"{by}: {equalized} dB before absorption, {found} behind it")
        require(found > plain, f"{by}: {plain} dB without equalization and absorption, {found} with both")


def float_stays(bench):
    """What is taken from one bias goes into the next: the float network is the same on data like that of calibration."""
    normalized_net(bench)
    (bench.work / "float.yaml").write_text("""halftone: 1
model: net.onnx
calibration: {path: calib.npy}
passes: [fold-batch-norm, cross-layer-equalization, bias-absorption]
export: [{format: onnx-qdq, path: float.onnx}]
""")
    bench.run("run", "float.yaml", "-q")
    bench.run("evaluate", "float.onnx", "--data", "test.npy", "--against", "net.onnx", "--json", "float.json", "-q")
    noise = bench.json("float.json")["outputs"][0]["noise_to_signal"]
    require(noise < 1e-9, f"noise/signal {noise} of the float network")


TESTS = (high_biases, float_stays)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
