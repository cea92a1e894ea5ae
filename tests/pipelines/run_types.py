"""Types of numbers from descriptor to file: what a descriptor asks for, what is simulated and what the exported file computes.
Each function is one test; the first argument names it."""
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

INT8 = "{bits: 8, signed: false, symmetry: asymmetric, observer: minmax}"
FEATURES, OUTPUTS = 70, 6  # no multiple of a block

PASSES = """
pipeline: [assign-configs, quantize-simplify, parameter-quantize, runtime-calibration, passive-parameter-quantize, parameter-baking]
"""


def int_attribute(name, value):
    return onnx.field(1, name) + onnx.field(3, value) + onnx.field(20, 2)


def models(bench):
    """MatMul, Gemm with and without transB, and Conv, each with the same samples; gives the weights."""
    random = numpy.random.default_rng(2)
    x = random.normal(size=(9, FEATURES)).astype(numpy.float32)
    numpy.save(bench.work / "x.npy", x)
    w = (random.normal(size=(FEATURES, OUTPUTS)) * 2.0 ** random.integers(-6, 3, size=(FEATURES, 1))).astype(numpy.float32)
    bias = onnx.tensor("b", [OUTPUTS], random.normal(size=OUTPUTS).tolist())
    info = [onnx.value_info("x", ["N", FEATURES])], [onnx.value_info("y", ["N", OUTPUTS])]
    forms = {
        "matmul": ([onnx.node("MatMul", ["x", "w"], ["y"], "layer")], w, []),
        "gemm": ([onnx.node("Gemm", ["x", "w", "b"], ["y"], "layer")], w, [bias]),
        "gemm_t": ([onnx.node("Gemm", ["x", "w", "b"], ["y"], "layer", attributes=[int_attribute("transB", 1)])], w.T, [bias]),
    }
    for name, (nodes, weight, others) in forms.items():
        tensor = onnx.tensor("w", weight.shape, weight.ravel().tolist())
        (bench.work / f"{name}.onnx").write_bytes(onnx.model(nodes, *info, [tensor, *others]))
    return x, {name: weight for name, (_, weight, _) in forms.items()}


def platform(bench, name, activation=INT8, weight="{bits: 8}", bias="fp32", operators="types: [MatMul, Gemm, Conv], computing: true"):
    (bench.work / f"{name}.platform.yaml").write_text(f"""halftone-platform: 1
id: {name}
types:
  activation: {activation}
  weight: {weight}
  bias: {bias}
operators:
  - {{{operators}, outputs: fp32}}
{PASSES}""")


def quantize(bench, model, target, *args):
    """Exports, and gives the slots of the layer, what the simulation computes and what the exported file does."""
    name = f"{model}.{target}"
    results = []
    for executor in ("reference", "onednn"):
        bench.run("quantize", f"{model}.onnx", "-p", target, "--plugin-path", ".", "-c", "x.npy", "--executor", executor,
                  "-o", f"{name}.onnx", "--configs-out", f"{name}.json", "--test", "x.npy", "--json", f"{executor}.json", "-q", *args)
        results.append(bench.json(f"{executor}.json"))
        bench.run("evaluate", f"{name}.onnx", "--data", "x.npy", "--executor", executor, "--outputs-npy", executor, "-q")
    slots = bench.slots(f"{name}.json")
    layer = {direction + str(i): slot for (node, _, direction, i), slot in slots.items() if node == "layer"}
    computed = [numpy.load(bench.work / executor / "y.npy") for executor in ("reference", "onednn")]
    require(numpy.allclose(*computed, rtol=1e-5, atol=1e-5), f"{name}: the executors differ on the exported file")
    noise = [result["outputs"][0]["noise_to_signal"] for result in results]
    require(abs(noise[0] - noise[1]) <= 1e-3 * noise[0] + 1e-12, f"{name}: the executors simulate {noise}")
    return layer, computed[0], noise[0]


def fake(x, scale, zero, low, high):
    return ((numpy.clip(numpy.rint(x / scale) + zero, low, high) - zero) * scale).astype(numpy.float32)


def from_slot(x, slot, scale=None, zero=None):
    scale = numpy.float32(slot["scale"] if scale is None else scale)
    return fake(x, scale, numpy.float32(slot["offset"] if zero is None else zero), slot["qmin"], slot["qmax"])


def expected(bench, model, x, w):
    bias = 0 if model == "matmul" else numpy.random.default_rng(2)
    if model != "matmul":
        bias.normal(size=(9, FEATURES))
        bias.normal(size=(FEATURES, OUTPUTS))
        bias.integers(-6, 3, size=(FEATURES, 1))
        bias = bias.normal(size=OUTPUTS).astype(numpy.float32)
    return x.astype(numpy.float64) @ (w.T if model == "gemm_t" else w).astype(numpy.float64) + bias


def check(bench, name, found, noise, x, float_w, x_q, w_q):
    """The exported file computes what NumPy makes of the quantized input and weight, and so did the simulation."""
    model = name.split(".")[0]
    want, exact = expected(bench, model, x_q, w_q), expected(bench, model, x, float_w)
    require(numpy.allclose(found, want, rtol=1e-4, atol=1e-4), f"{name}: off by {numpy.abs(found - want).max()}")
    per_sample = ((want - exact) ** 2).sum(axis=1) / (exact ** 2).sum(axis=1)
    require(abs(per_sample.mean() - noise) <= 2e-3 * noise, f"{name}: simulated {noise}, NumPy {per_sample.mean()}")


def blocks(bench):
    """int4 by block along the summed axis, the last block shorter; other layouts of the same weight give the same result."""
    x, weights = models(bench)
    platform(bench, "blocks", activation="{bits: 16, observer: minmax}", weight="{bits: 4, granularity: block, block_size: 16}")
    outputs = []
    for name, w in weights.items():
        layer, found, noise = quantize(bench, name, "blocks")
        slot, axis = layer["inputs1"], 1 if name == "gemm_t" else 0
        require(slot["channel_axis"] == axis, f"{name}: blocks along axis {slot['channel_axis']}")
        count = -(-FEATURES // 16)
        shape = (OUTPUTS, count) if axis else (count, OUTPUTS)
        scale = numpy.float32(slot["scale"]).reshape(shape).repeat(16, axis=axis)
        scale = scale[:, :FEATURES] if axis else scale[:FEATURES]
        largest = numpy.abs(w).T if axis else numpy.abs(w)
        for b in range(count):
            block = largest[16 * b:16 * b + 16].max(axis=0) / 7
            have = (scale.T if axis else scale)[16 * b]
            require(numpy.allclose(have, block, rtol=1e-6), f"{name}: block {b} has {have}, expected {block}")
        check(bench, name, found, noise, x, w, from_slot(x, layer["inputs0"]), fake(w, scale, 0, -8, 7))
        outputs.append(found - expected(bench, name, x * 0, w * 0))
    require(numpy.allclose(outputs[1], outputs[2], rtol=1e-5, atol=1e-5), "transB gives another result")
    mse = "{bits: 4, granularity: block, block_size: 16, observer: mse}"
    platform(bench, "blocks-mse", activation="{bits: 16, observer: minmax}", weight=mse)
    _, _, searched = quantize(bench, "matmul", "blocks-mse")
    _, _, plain = quantize(bench, "matmul", "blocks")
    require(searched < plain, f"mse by block leaves {searched}, minmax {plain}")


def float8_values(exponent_bits):
    """Every finite value of OCP float8 that is not negative, from the specification."""
    mantissa_bits, bias = 7 - exponent_bits, 2 ** (exponent_bits - 1) - 1
    values = []
    for code in range(128):
        exponent, mantissa = code >> mantissa_bits, code & (2 ** mantissa_bits - 1)
        if exponent_bits == 5 and exponent == 31 or code == 127:
            continue
        fraction = mantissa / 2 ** mantissa_bits
        values.append(fraction * 2.0 ** (1 - bias) if exponent == 0 else (1 + fraction) * 2.0 ** (exponent - bias))
    return numpy.array(values)


def cast(x, scale, exponent_bits):
    """Nearest, ties to the even code, saturating."""
    values = float8_values(exponent_bits)
    size = numpy.minimum(numpy.abs((x / numpy.float32(scale)).astype(numpy.float32)).astype(numpy.float64), values[-1])
    above = numpy.clip(numpy.searchsorted(values, size), 1, len(values) - 1)
    low, high = values[above - 1], values[above]
    down = (size - low < high - size) | ((size - low == high - size) & ((above - 1) % 2 == 0))
    return (numpy.sign(x) * numpy.where(down, low, high)).astype(numpy.float32) * numpy.float32(scale)


def float8(bench):
    """Both formats, free and power-of-two scales, per tensor and channel, by minmax and by the observer for it."""
    x, weights = models(bench)
    for kind, bits in (("float8e4m3fn", 4), ("float8e5m2", 5)):
        for form in ("free", "power-of-two"):
            name = f"{kind}-{form}"
            common = f"kind: {kind}, scale: {form}, observer: floating"
            platform(bench, name, activation=f"{{{common}}}", weight=f"{{{common}, granularity: channel}}", bias="{bits: 32}")
            layer, found, noise = quantize(bench, "gemm_t", name)
            scales = numpy.float32(layer["inputs1"]["scale"])
            require(len(scales) == OUTPUTS, f"{name}: {len(scales)} scales")
            if form == "power-of-two":
                require((numpy.log2(scales) % 1 == 0).all(), f"{name}: {scales}")
            x_q, w = cast(x, layer["inputs0"]["scale"][0], bits), weights["gemm_t"]
            w_q = cast(w, scales[:, None], bits)
            require(layer["inputs2"]["state"] == "FP32", "the bias of a float8 layer is added in float")
            check(bench, "gemm_t", found, noise, x, w, x_q, w_q)
            largest = 448 if bits == 4 else 57344
            whole = numpy.abs(w).max(axis=1) / largest
            whole = 2.0 ** numpy.ceil(numpy.log2(whole)) if form == "power-of-two" else whole
            steps = 2.0 ** (-numpy.arange(-16, 129) / 16) if form == "free" else 2.0 ** -numpy.arange(-1, 9)
            for c in range(OUTPUTS):
                best = min(((cast(w[c], numpy.float32(whole[c] * step), bits) - w[c]) ** 2).sum() for step in steps)
                mine = ((w_q[c] - w[c]) ** 2).sum()
                require(mine <= best * 1.0001, f"{name}: channel {c} has the error {mine}, possible is {best}")


def integers(bench):
    """2 to 16 bits and 32, activations and weights, per tensor and channel, power of two."""
    x, weights = models(bench)
    for bits in (2, 3, 4, 7, 8, 16):
        for granularity in ("tensor", "channel"):
            name = f"w{bits}-{granularity}"
            platform(bench, name, activation="{bits: 16, observer: minmax, scale: power-of-two}",
                     weight=f"{{bits: {bits}, granularity: {granularity}}}")
            for model in ("matmul",) if granularity == "tensor" else ("matmul", "gemm_t"):
                layer, found, noise = quantize(bench, model, name)
                scale = numpy.float32(layer["inputs1"]["scale"])
                require(len(scale) == (1 if granularity == "tensor" else OUTPUTS), f"{name}: {len(scale)} scales")
                scale = scale.reshape(-1, 1) if model == "gemm_t" else scale
                step = layer["inputs0"]["scale"][0]
                require(numpy.log2(step) % 1 == 0, f"{name}: {step} is no power of two")
                w_q = from_slot(weights[model], layer["inputs1"], scale, 0)
                check(bench, model, found, noise, x, weights[model], from_slot(x, layer["inputs0"]), w_q)
    for bits in (4, 6, 16):
        for signed, symmetry in ((True, "symmetric"), (False, "asymmetric"), (True, "asymmetric")):
            name = f"a{bits}-{signed}-{symmetry}".lower()
            platform(bench, name, weight="{bits: 16}", activation=f"{{bits: {bits}, signed: {str(signed).lower()}, "
                                                                  f"symmetry: {symmetry}, observer: minmax}}")
            layer, found, noise = quantize(bench, "matmul", name)
            w_q = from_slot(weights["matmul"], layer["inputs1"])
            check(bench, "matmul", found, noise, x, weights["matmul"], from_slot(x, layer["inputs0"]), w_q)


def dynamic_codes(x):
    """DynamicQuantizeLinear of each sample."""
    out = numpy.empty_like(x)
    for i, row in enumerate(x):
        low, high = min(row.min(), 0), max(row.max(), 0)
        scale = numpy.float32((high - low) / 255)
        out[i] = fake(row, scale, numpy.clip(numpy.rint(-low / scale), 0, 255), 0, 255)
    return out


def dynamic(bench):
    """A type of a platform, and the pass; neither needs the data. What ONNX cannot compute is refused with a remedy."""
    x, weights = models(bench)
    uint8 = "{bits: 8, signed: false, symmetry: asymmetric, dynamic: true}"
    platform(bench, "at-run-time", activation=uint8, weight="{bits: 8, granularity: channel}", bias="{bits: 32}")
    for model in ("matmul", "gemm_t"):
        layer, found, noise = quantize(bench, model, "at-run-time")
        require("DYNAMIC" in layer["inputs0"]["policy"] and layer["inputs0"]["scale"] is None, f"{layer['inputs0']}")
        scale = numpy.float32(layer["inputs1"]["scale"])
        w_q = from_slot(weights[model], layer["inputs1"], scale[:, None] if model == "gemm_t" else scale, 0)
        check(bench, model, found, noise, x, weights[model], dynamic_codes(x), w_q)
    (bench.work / "pass.yaml").write_text("""halftone: 1
model: gemm_t.onnx
platform: onnxruntime-int8
passes: [assign-configs, quantize-simplify, parameter-quantize, dynamic-quantization, passive-parameter-quantize, parameter-baking]
export: [{path: pass.onnx}]
configs_out: pass.json
""")
    bench.run("run", "pass.yaml", "-q")
    bench.run("evaluate", "pass.onnx", "--data", "x.npy", "--executor", "reference", "--outputs-npy", "pass", "-q")
    slots = bench.slots("pass.json")
    scale = numpy.float32(slots["layer", "Gemm", "inputs", 1]["scale"])
    want = expected(bench, "gemm_t", dynamic_codes(x), from_slot(weights["gemm_t"], slots["layer", "Gemm", "inputs", 1], scale[:, None], 0))
    require(numpy.allclose(numpy.load(bench.work / "pass" / "y.npy"), want, rtol=1e-4, atol=1e-4), "the pass gives another result")
    platform(bench, "int8-at-run-time", activation="{bits: 8, dynamic: true}")
    told = bench.fails("quantize", "matmul.onnx", "-p", "int8-at-run-time", "--plugin-path", ".", "-c", "x.npy", "-o", "out.onnx", "-q")
    require("DynamicQuantizeLinear" in told and "or calibrate" in told, told)


TESTS = (blocks, float8, integers, dynamic)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
