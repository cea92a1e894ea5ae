"""Fusions that a pipeline or a platform declares, on a network made here: convolutions with normalizations and hard-swishes that are
written out. Each function is one test; the first argument names it.

The float form is computed by NumPy; exported files run in ONNX Runtime where there is one for Node ($HALFTONE_CONSUMER)."""
import os
import pathlib
import subprocess
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

SKIPPED = 77
CHANNELS, SIDE = 6, 8
NAMES = ("first", "second")

PLATFORM = """halftone-platform: 1
id: made
types:
  activation: {bits: 8, signed: false, symmetry: asymmetric, observer: minmax}
  weight: {bits: 8, min: -127, max: 127, granularity: channel}
  narrow: {bits: 4, min: -7, max: 7, granularity: channel}
  bias: {bits: 32, granularity: channel}
operators:
  - {types: [Conv, Gemm], computing: true}
  - {types: [Add, Mul, Relu]}
fusion: {activations: [Relu], passive: true}
pipeline:
  - fold-batch-norm
  - assign-configs
  - quantize-fusion
  - quantize-simplify
  - parameter-quantize
  - runtime-calibration
  - passive-parameter-quantize
  - parameter-baking
"""

PATTERN = "y = Mul(t, Div(Clip(Add(t, 3), 0, 6), 6)) where t = BatchNormalization(Conv(x, w, b?), g, beta, mean, var)"


def fusion(**keys):
    lines = ["fusions:", "  - name: conv-bn-hard-swish", f"    pattern: {PATTERN}"]
    return "\n".join(lines + [f"    {key}: {value}" for key, value in keys.items()]) + "\n"


def floats(name, values):
    values = numpy.asarray(values, numpy.float32)
    return onnx.tensor(name, values.shape, values.ravel().tolist())


def block(name, x, y, random, inputs, skip=None):
    """Conv, BatchNormalization and a hard-swish of five operators."""
    weight = random.normal(size=(CHANNELS, inputs, 3, 3)) / 3
    parameters = {"w": weight, "g": random.uniform(0.5, 1.5, CHANNELS), "beta": random.normal(size=CHANNELS),
                  "mean": random.normal(size=CHANNELS), "var": random.uniform(0.5, 2, CHANNELS),
                  "three": 3.0, "zero": 0.0, "six": 6.0}
    tensors = [floats(f"{name}.{key}", value) for key, value in parameters.items()]
    p = {key: f"{name}.{key}" for key in (*parameters, "c", "t", "a", "k", "d")}
    nodes = [onnx.node("Conv", [x, p["w"]], [p["c"]], f"{name}/conv", attributes=[onnx.ints_attribute("pads", [1] * 4)]),
             onnx.node("BatchNormalization", [p["c"], p["g"], p["beta"], p["mean"], p["var"]], [p["t"]], f"{name}/norm"),
             onnx.node("Add", [p["t"], p["three"]], [p["a"]], f"{name}/add"),
             onnx.node("Clip", [p["a"], p["zero"], p["six"]], [p["k"]], f"{name}/clip"),
             onnx.node("Div", [p["k"], p["six"]], [p["d"]], f"{name}/div"),
             onnx.node("Mul", [p["d"], p["t"]], [y], f"{name}/mul")]
    return nodes, tensors, parameters


def convolved(x, p):
    padded = numpy.pad(x.astype(numpy.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    c = numpy.einsum("ncyxij,kcij->nkyx", windows, p["w"])
    t = (c - p["mean"][:, None, None]) / numpy.sqrt(p["var"][:, None, None] + 1e-5) * p["g"][:, None, None]
    t += p["beta"][:, None, None]
    return t * numpy.clip(t + 3, 0, 6) / 6


def made(bench):
    """Two blocks one after the other; gives the samples and what the float network computes."""
    random = numpy.random.default_rng(5)
    x = random.normal(size=(12, 3, SIDE, SIDE)).astype(numpy.float32)
    numpy.save(bench.work / "x.npy", x)
    first, tensors, p1 = block("first", "x", "between", random, 3)
    second, more, p2 = block("second", "between", "y", random, CHANNELS)
    info = [onnx.value_info("x", ["N", 3, SIDE, SIDE])], [onnx.value_info("y", ["N", CHANNELS, SIDE, SIDE])]
    (bench.work / "model.onnx").write_bytes(onnx.model(first + second, *info, tensors + more, opset=14))
    (bench.work / "made.platform.yaml").write_text(PLATFORM)
    return x, convolved(convolved(x, p1), p2)


def quantized(bench, body, name="run", *args, passes=""):
    """Runs a pipeline of the made network; gives what it said. Writes NAME.onnx, NAME.json and NAME.figures.json."""
    (bench.work / f"{name}.yaml").write_text(
        "halftone: 1\nmodel: model.onnx\nplatform: made\ncalibration: {path: x.npy}\nevaluate: {path: x.npy}\n"
        f"export: [{{path: {name}.onnx}}]\nconfigs_out: {name}.json\n" + passes + body)
    done = bench.done("run", f"{name}.yaml", "--plugin-path", ".", "--json", f"{name}.figures.json", *args)
    require(done.returncode == 0, f"{name}.yaml ended with {done.returncode}: {done.stderr}")
    return done.stdout + done.stderr


def noise(bench, name="run"):
    return bench.json(f"{name}.figures.json")["outputs"][0]["noise_to_signal"]


def outputs(bench, file):
    bench.run("evaluate", file, "--data", "x.npy", "--outputs-npy", "computed", "-q")
    return numpy.load(bench.work / "computed" / "y.npy")


def live(bench, name="run"):
    """Slots that are quantized or share somebody's scale, by operator and slot."""
    return {(node, direction, number): slot for (node, _, direction, number), slot in bench.slots(f"{name}.json").items()
            if slot["state"] not in ("FP32", "OVERLAPPED")}


def one_operator(bench):
    """What lies inside is in float, what the fusion names is quantized."""
    _, expected = made(bench)
    text = quantized(bench, fusion())
    require("fusion 'conv-bn-hard-swish'" in text and "2 places" in text, f"the report says nothing of the places: {text}")
    slots = live(bench)
    for name in NAMES:
        there = sorted((node, direction, number) for node, direction, number in slots if node.startswith(name))
        wanted = [(f"{name}/conv", "inputs", 1), (f"{name}/conv", "inputs", 2), (f"{name}/mul", "outputs", 0)]
        wanted += [(f"{name}/conv", "inputs", 0)] if name == "first" else []  # the other reads what the first one quantizes
        require(there == sorted(wanted), f"quantized are {there}")
    computed = outputs(bench, "run.onnx")
    ratio = float(((computed - expected) ** 2).sum() / (expected ** 2).sum())
    require(ratio < 3e-3 and abs(ratio - noise(bench)) < 0.02 * ratio, f"noise/signal {ratio} against {noise(bench)}")
    quantized(bench, "", "plain")
    require(noise(bench) < noise(bench, "plain"), "points inside cost nothing, which cannot be")


def deployed(bench):
    """Another form in the file, with the attributes, scales and weights of the float form."""
    made(bench)
    quantized(bench, fusion(deployed="y = HardSwish(Conv(x, w, b))"))
    text = bench.run("inspect", "run.onnx")
    require("HardSwish" in text and "Clip" not in text, f"the file has {text}")
    same = outputs(bench, "run.onnx")
    quantized(bench, fusion(), "plain")
    error = numpy.abs(same - outputs(bench, "plain.onnx")).max()
    require(error < 1e-5, f"the deployed form differs by {error}")
    require(bench.json("run.json") == bench.json("plain.json"), "deploying changes configs")


def in_onnx_runtime(bench):
    """The file of a fusion without code computes in ONNX Runtime what was simulated."""
    modules = pathlib.Path(os.environ.get("HALFTONE_CONSUMER", ""))
    if not (modules / "node_modules/onnxruntime-node").is_dir():
        print("HALFTONE_CONSUMER names no folder with onnxruntime-node; see tests/acceptance/consumer/run.sh")
        sys.exit(SKIPPED)
    x, expected = made(bench)
    quantized(bench, fusion(deployed="y = HardSwish(Conv(x, w, b))"))
    script = pathlib.Path(__file__).resolve().parent.parent / "examples" / "run_in_ort.mjs"
    done = subprocess.run(["node", script, modules, "run.onnx", "x.npy", "ort.npy"], cwd=bench.work, capture_output=True, text=True,
                          check=False)
    require(done.returncode == 0, f"ONNX Runtime: {done.stderr}")
    computed = numpy.load(bench.work / "ort.npy").reshape(expected.shape)
    ratio = float(((computed - expected) ** 2).sum() / (expected ** 2).sum())
    require(abs(ratio - noise(bench)) < 0.02 * ratio, f"ONNX Runtime has noise/signal {ratio}, the simulation {noise(bench)}")
    error = float(((computed - outputs(bench, "run.onnx")) ** 2).sum() / (computed ** 2).sum())
    require(error < 1e-4, f"ONNX Runtime and the simulated file differ by {error} of the signal")


def vendor_operator(bench):
    """An operator of the vendor's that nothing here can run: the file has it, and the run is evaluated on the float form."""
    made(bench)
    quantized(bench, fusion(deployed='y = com.acme.ConvSwish[Conv.*, kind="hard", group=Conv.group, gain=2.0](x, w, b)'))
    require(noise(bench) < 3e-3, f"noise/signal {noise(bench)}")
    text = bench.run("inspect", "run.onnx")
    require("com.acme" in text and "ConvSwish" in text, f"the file has {text}")
    file = bench.bytes("run.onnx")
    for word in (b"pads", b"kind", b"gain"):
        require(word in file, f"the operator has no attribute {word}")
    # The weights are stored as integers, and the points around the operator are in the file.
    require(text.count("DequantizeLinear") > 0, f"nothing is quantized: {text}")


def points(bench):
    """Types of points, a fixed scale, and an input that stays in float."""
    made(bench)
    quantized(bench, fusion(points="{x: fp32, w: narrow, y: {type: activation, fixed: {scale: 0.03125, zero_point: 12}}}"))
    slots = live(bench)
    require(("first/conv", "inputs", 0) not in slots, "x is quantized")
    require(slots["first/conv", "inputs", 1]["qmax"] == 7, f"w is {slots['first/conv', 'inputs', 1]}")
    for name in NAMES:
        y = slots[f"{name}/mul", "outputs", 0]
        require((y["scale"], y["offset"]) == ([0.03125], [12]), f"y is {y}")
    # An observer for everything does not change what is fixed, and neither does calibrating again.
    quantized(bench, fusion(points="{y: {fixed: {scale: 0.03125, zero_point: 12}}}") + "observer: percentile\n", "again")
    for name in NAMES:
        y = live(bench, "again")[f"{name}/mul", "outputs", 0]
        require((y["scale"], y["offset"]) == ([0.03125], [12]), f"y is {y}")


def shared(bench):
    """One scale for input and output, that of the input or one that covers both."""
    made(bench)
    quantized(bench, fusion())
    own = live(bench)
    quantized(bench, fusion(observation="shared-with-input"), "input")
    slots = live(bench, "input")
    x, y = slots["first/conv", "inputs", 0], slots["first/mul", "outputs", 0]
    require((x["scale"], x["offset"]) == (y["scale"], y["offset"]), f"{x} and {y}")
    require(x["scale"] == own["first/conv", "inputs", 0]["scale"], "the input has another scale")
    quantized(bench, fusion(share="[[x, y]]"), "both")
    slots = live(bench, "both")
    x, y = slots["first/conv", "inputs", 0], slots["first/mul", "outputs", 0]
    require((x["scale"], x["offset"]) == (y["scale"], y["offset"]), f"{x} and {y}")
    for slot in (own["first/conv", "inputs", 0], own["first/mul", "outputs", 0]):
        for code in (0, 255):
            value, scale = (code - slot["offset"][0]) * slot["scale"][0], x["scale"][0]
            low, high = -x["offset"][0] * scale, (255 - x["offset"][0]) * scale
            require(low - scale <= value <= high + scale, f"[{low}, {high}] does not cover {value}")


def not_observed(bench):
    """Nothing of a fusion that is not observed is quantized."""
    made(bench)
    text = quantized(bench, fusion(observation="none"))
    require(not live(bench), f"quantized are {list(live(bench))}")
    require(noise(bench) < 1e-9, f"noise/signal {noise(bench)}")
    require("2 places" in text, text)
    explained = bench.run("explain", "run.yaml", "--plugin-path", ".")
    require("nothing of it is observed" in explained, "no reason is given")


def demands(bench):
    """A fusion applies where the types are as it demands: those of the platform, and after a user's overrides."""
    made(bench)
    text = quantized(bench, fusion(dtypes="{w: {bits: 4}}"))
    require("2 places (2 not fused: w of Mul 'first/mul' has 8 bits, not 4)" in text, f"the report is {text}")
    require(("first/mul", "outputs", 0) in live(bench) and ("first/add", "outputs", 0) in live(bench), "Add is not as it was")
    fits = quantized(bench, fusion(dtypes="{w: {bits: [4, 8], symmetry: symmetric}, x: {signed: false}}"), "fits")
    require("not fused" not in fits, fits)
    override = "overrides:\n  - {match: {node: first/conv}, set: {weights: {bits: 4}}}\n"
    (bench.work / "o.yaml").write_text((bench.work / "fits.yaml").read_text().replace("[4, 8]", "8") + override)
    done = bench.done("run", "o.yaml", "--plugin-path", ".")
    require(done.returncode == 0, done.stderr)
    require("Mul 'first/mul' stays in float: the fusion 'conv-bn-hard-swish' does not apply: w (the input 1 of Conv 'first/conv') "
            "has 4 bits, not 8" in done.stderr, f"no warning: {done.stderr}")
    require(not [slot for slot in live(bench, "fits") if slot[0].startswith("first")], "the place is quantized")


def in_float(bench):
    """A place that does not apply any more, or that is in float, keeps its float form in the file; the report says why."""
    made(bench)
    keys = {"dtypes": "{w: {bits: 8}}", "deployed": "y = HardSwish(Conv(x, w, b))"}
    override = "overrides:\n  - {match: {node: first/%s}, set: %s}\n"
    for name, settings in (("types", ("conv", "{weights: {bits: 4}}")), ("node", ("mul", "{outputs: {state: fp32}}"))):
        text = quantized(bench, fusion(**keys) + override % settings, name)
        nodes = bench.run("inspect", f"{name}.onnx")
        require("HardSwish" in nodes and "Clip" in nodes, f"{name}: the file has {nodes}")
        require("1 place deployed" in text and "1 place not deployed: " in text, f"{name}: the report is {text}")
    quantized(bench, fusion(observation="none", deployed=keys["deployed"]), "none")
    require("Clip" not in bench.run("inspect", "none.onnx"), "what is not observed is not deployed")


def residual(bench):
    """A block whose output goes into a product and, with that, into a sum."""
    random = numpy.random.default_rng(5)
    numpy.save(bench.work / "x.npy", random.normal(size=(12, 3, SIDE, SIDE)).astype(numpy.float32))
    nodes, tensors, _ = block("first", "x", "between", random, 3)
    nodes += [onnx.node("Mul", ["between", "between"], ["square"], "square"),
              onnx.node("Add", ["between", "square"], ["y"], "sum")]
    info = [onnx.value_info("x", ["N", 3, SIDE, SIDE])], [onnx.value_info("y", ["N", CHANNELS, SIDE, SIDE])]
    (bench.work / "model.onnx").write_bytes(onnx.model(nodes, *info, tensors, opset=14))
    (bench.work / "made.platform.yaml").write_text(PLATFORM)


def fixed_lasts(bench):
    """Passes that choose or learn scales leave a fixed one as it is; what is aligned with it takes it."""
    residual(bench)
    fixed = fusion(points="{y: {fixed: {scale: 0.03125, zero_point: 12}}}")
    before, after = PLATFORM.split("pipeline:\n")[1].split("  - passive-parameter-quantize\n")
    passes = {"private": "  - quant-alignment: {elementwise: to_large}\n",
              "forced": "  - quant-alignment: {elementwise: to_large, force_overlap: true}\n",
              "step": "  - learned-step-size: {steps: 4, scale_lr: 0.1, batch: 4}\n",
              "network": "  - quantization-aware-training: {steps: 4, scale_lr: 0.1, batch: 4}\n"}
    for name, step in passes.items():
        quantized(bench, fixed, name, passes="passes:\n" + before + step + "  - passive-parameter-quantize\n" + after)
        slots = live(bench, name)
        y = slots["first/mul", "outputs", 0]
        require((y["scale"], y["offset"]) == ([0.03125], [12]), f"{name}: y is {y}")
        if name not in ("private", "forced"):
            continue
        square = slots["square", "outputs", 0]
        require((square["scale"], square["offset"]) == ([0.03125], [12]), f"{name}: the other term is {square}")


def fixed_judged(bench):
    """A fixed scale is judged by the type that its value has there: by the platform's rule for the operator, and after overrides."""
    made(bench)
    fixed = fusion(points="{y: {fixed: {scale: 0.3, zero_point: 5}}}")
    shifted = "  shifted: {bits: 8, signed: false, symmetry: asymmetric, scale: power-of-two}\nbias:"
    rules = {"float": ("fp32", "and float exclude each other"), "shifted": ("shifted", "of type 'shifted' is a power of two, not 0.3")}
    for name, (kind, why) in rules.items():
        platform = PLATFORM.replace("  bias:", shifted.replace("bias:", "  bias:"))
        platform = platform.replace("{types: [Add, Mul, Relu]}", "{types: [Add, Relu]}\n  - {types: [Mul], outputs: %s}" % kind)
        (bench.work / "made.platform.yaml").write_text(platform)
        text = quantized(bench, fixed, name)
        require(f"2 places (2 not fused: y of Mul 'first/mul': a fixed scale {why})" in text, f"{name}: the report is {text}")
    (bench.work / "made.platform.yaml").write_text(PLATFORM)
    override = "overrides:\n  - {match: {node: first/mul}, set: {outputs: %s}}\n"
    text = quantized(bench, fixed + override % "{bits: 2}", "narrow")
    require("Mul 'first/mul' stays in float: the fusion 'conv-bn-hard-swish' does not apply: y (the output 0 of Mul 'first/mul'): a fixed "
            "scale of this type has a zero point from 0 to 3, not 5" in text, f"no warning: {text}")
    require(not [slot for slot in live(bench, "narrow") if slot[0].startswith("first")], "the place is quantized")
    spread = fusion(points="{x: {fixed: {scale: 0.3, zero_point: 5}}}")
    text = quantized(bench, spread + "overrides:\n  - {match: {node: first/conv}, set: {inputs: {0: {state: fp32}}}}\n", "unused")
    require("fixes the scale of x (the input 0 of Conv 'first/conv'), which stays in float" in text, f"no warning: {text}")


def fixed_weight(bench):
    """DoReFa spreads a weight over the whole range, and is not for a scale that is given: the weight learns within it, straight through."""
    residual(bench)
    platform = PLATFORM.replace("  narrow:", "  whole: {bits: 8, min: -127, max: 127}\n  narrow:")
    (bench.work / "made.platform.yaml").write_text(platform)
    before, after = platform.split("pipeline:\n")[1].split("  - passive-parameter-quantize\n")
    learn = "  - quantization-aware-training: {epochs: 10, lr: 0.001, scale_lr: 0.001, batch: 4, validation: 0, weights: %s}\n"
    for given in (True, False):
        body = fusion(points="{w: {type: whole, fixed: {scale: 0.25}}}") if given else fusion()
        told = {method: quantized(bench, body, method, passes="passes:\n" + before + learn % method + "  - passive-parameter-quantize\n" + after)
                for method in ("lsq", "dorefa")}
        passed_over = "the asked one is not for 1 quantizers" in told["dorefa"]
        require(passed_over == given, f"with{'' if given else 'out'} a given scale: {told['dorefa']}")
        if not given:
            continue
        scales = [live(bench, method)["first/conv", "inputs", 1]["scale"] for method in told]
        require(scales == [[0.25], [0.25]], f"the given scale became {scales}")
        require(not any("taken back" in text for text in told.values()), f"nothing was learned: {told}")
        require(bench.bytes("lsq.onnx") == bench.bytes("dorefa.onnx"), "the weight is not learned within the scale")


def twice_the_same(bench):
    """Two names of the pattern that stand for one value."""
    random = numpy.random.default_rng(5)
    numpy.save(bench.work / "x.npy", random.normal(size=(12, 4)).astype(numpy.float32))
    nodes = [onnx.node("Add", ["x", "x"], ["a"], "add"), onnx.node("Relu", ["a"], ["y"], "relu")]
    info = [onnx.value_info("x", ["N", 4])], [onnx.value_info("y", ["N", 4])]
    (bench.work / "model.onnx").write_bytes(onnx.model(nodes, *info, [], opset=14))
    (bench.work / "made.platform.yaml").write_text(PLATFORM)
    body = "fusions:\n  - {name: double, pattern: 'z = Relu(Add(x, y))'%s}\n"
    quantized(bench, body % "", "plain")
    expected = outputs(bench, "plain.onnx")
    quantized(bench, body % ", deployed: 'z = Relu(Sub(x, Neg(y)))'")
    require(numpy.abs(outputs(bench, "run.onnx") - expected).max() < 1e-6, "the deployed form computes something else")


def longest_first(bench):
    """The longer pattern wins, then the pipeline's before the platform's; the same name replaces."""
    made(bench)
    short = "fusions:\n  - {name: short, pattern: 'y = BatchNormalization(Conv(x, w, b?), g, beta, mean, var)'}\n"
    (bench.work / "made.platform.yaml").write_text(PLATFORM + short)
    text = quantized(bench, fusion())
    require("2 places" in text and "fusion 'short'" in text and "0 places" in text, text)
    alone = quantized(bench, "", "alone")
    require("fusion 'short'" in alone and "2 places" in alone, alone)
    same = quantized(bench, short.replace("short", "mine"), "mine")
    require(same.index("fusion 'mine'") < same.index("2 places") < same.index("fusion 'short'"), same)
    replaced = quantized(bench, short.replace("b?)", "b?)").replace("Conv(x", "ConvTranspose(x"), "replaced")
    require("the model has no ConvTranspose" in replaced, replaced)


def shown_before(bench):
    """The plan and the schemas know the key."""
    made(bench)
    quantized(bench, fusion(deployed="y = HardSwish(Conv(x, w, b))"))
    plan = bench.run("run", "run.yaml", "--plugin-path", ".", "--dry-run")
    steps = [line for line in plan.splitlines() if "fuse-operators" in line or "deploy-operators" in line]
    require(len(steps) == 2 and "run.yaml:" in steps[0], f"the plan has {steps}")
    for kind in ((), ("platform",)):
        require('"fusions"' in bench.run("schema", *kind), "the schema has no fusions")


def trainable(bench):
    """Normalizations inside are trained as the fusion says, unless the pass says it for all: swishes of the example model."""
    steps = ["constant-folding", "fold-batch-norm", "assign-configs", "quantize-fusion", "quantize-simplify", "parameter-quantize",
             "runtime-calibration", "quantization-aware-training: {epochs: 2, batch: 16, lr: 0.0005, scale_lr: 0.0005%s}",
             "passive-parameter-quantize", "parameter-baking"]

    def trained(name, word, how=""):
        body = ("fusions:\n  - name: swish\n    pattern: y = Mul(t, Sigmoid(t)) where t = BatchNormalization(Conv(x, w, b?), g, beta, "
                "mean, var)\n" + (f"    trainable: {word}\n" if word else "")
                + "overrides: [{match: {op: Conv}, set: {weights: {bits: 4}}}]\n"
                + f"export: [{{path: {name}.onnx}}]\npasses:\n" + "".join(f"  - {step}\n" for step in steps) % how)
        bench.write_pipeline(name, body)
        done = bench.done("run", f"{name}.yaml")
        require(done.returncode == 0 and "taken back" not in done.stderr, f"{name}: {done.stderr}")
        found = [count for count in (2, 12) if f"normalized by the batch {count} layers" in done.stderr]
        return found, bench.bytes(f"{name}.onnx")

    batch, frozen, silent = (trained(name, word) for name, word in (("batch", "scale-factor"), ("frozen", "frozen"), ("silent", None)))
    require((batch[0], frozen[0], silent[0]) == ([2], [], []), f"normalized by the batch: {batch[0]}, {frozen[0]}, {silent[0]} layers")
    require(frozen[1] == silent[1] and batch[1] != frozen[1], "what is trained does not follow `trainable`")
    kept = ", checkpoint: state"
    trained("first", "scale-factor", kept)
    (bench.work / "again.yaml").write_text((bench.work / "first.yaml").read_text().replace("scale-factor", "frozen"))
    told = bench.fails("run", "again.yaml", "-q")
    require("the checkpoint 'state' is of a training with other parameters" in told, told)
    require(trained("train", "frozen", ", batch_norm: train")[0] == [12], "`batch_norm: train` does not hold for all")
    require(trained("freeze", "scale-factor", ", batch_norm: freeze") == frozen, "`batch_norm: freeze` does not hold for all")


def threads(bench):
    """The same bytes on any number of threads."""
    made(bench)
    body = fusion(deployed="y = HardSwish(Conv(x, w, b))", share="[[x, y]]")
    quantized(bench, body, "a")
    (bench.work / "b.yaml").write_text((bench.work / "a.yaml").read_text().replace("{path: x.npy}\nevaluate", "{path: x.npy, threads: 1}\nevaluate")
                                       .replace("a.onnx", "b.onnx").replace("a.json", "b.json"))
    bench.run("run", "b.yaml", "--plugin-path", ".", "-q")
    require(bench.bytes("a.onnx") == bench.bytes("b.onnx"), "the files differ")


def isolated(bench):
    """The passes of fusions in a worker process do the same."""
    made(bench)
    body = fusion(deployed="y = HardSwish(Conv(x, w, b))", share="[[x, y]]")
    quantized(bench, body, "a")
    quantized(bench, body + "trust: {fuse-operators: isolated, deploy-operators: isolated, quant-alignment: isolated}\n", "b")
    require(bench.bytes("a.onnx") == bench.bytes("b.onnx"), "the files differ")


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, [one_operator, deployed, in_onnx_runtime, vendor_operator, points, shared, not_observed, demands,
                                 in_float, fixed_lasts, fixed_judged, fixed_weight, twice_the_same, longest_first, shown_before, trainable, threads,
                                 isolated], Bench, FOLDERS))
