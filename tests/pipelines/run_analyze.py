"""`halftone analyze`: its figures against NumPy and PPQ, and its advice taken. Needs NumPy. Each function is one test; the first
argument names it."""
import json
import os
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

SKIPPED = 77


def near(found, wanted, what, relative=1e-3):
    require(abs(found - wanted) <= relative * abs(wanted) + 1e-12, f"{what}: {found}, expected {wanted}")


def glyphs(bench, name, *args):
    bench.run("analyze", bench.glyphs / "model.onnx", "--platform", "onnxruntime-int8", "--calibration", bench.glyphs / "calib",
              "--preprocess", bench.glyphs / "meta.json", "--quiet", "--json", f"{name}.json", *args)
    return bench.json(f"{name}.json")


def without_times(figures):
    return {key: value for key, value in figures.items() if key != "analysis_seconds"}


def threads(bench):
    """All figures are the same on any number of threads."""
    one = without_times(glyphs(bench, "one", "--threads", 1, "--all"))
    for count in (2, 5):
        require(without_times(glyphs(bench, "more", "--threads", count, "--all")) == one, f"{count} threads: other figures")


def executors(bench):
    """Plain kernels and oneDNN see the same errors; a value that falls on the other side of a step changes them a little."""
    fast, plain = (glyphs(bench, name, "--executor", name, "--samples", 8) for name in ("onednn", "reference"))
    require(len(fast["operators"]) > 3, "hardly any operator was analysed")
    for a, b in zip(fast["operators"], plain["operators"]):
        for kind in ("graphwise", "layerwise", "own", "inherited"):
            near(a[kind]["noise_to_signal"], b[kind]["noise_to_signal"], f"{kind} of {a['name']}", 0.05)


def table(bench):
    """The largest error first, in lines of at most 100 columns."""
    text = bench.run("analyze", bench.glyphs / "model.onnx", "--platform", "onnxruntime-int8", "--calibration",
                     bench.glyphs / "calib", "--preprocess", bench.glyphs / "meta.json", "--all")
    lines = text.splitlines()
    require(max(map(len, lines)) <= 100, f"too wide:\n{text}")
    rows = [line.split() for line in lines[1:lines.index("")]]
    shares = [float(row[2]) for row in rows if "%" in row]
    require(len(shares) > 3 and shares == sorted(shares, reverse=True), f"not sorted:\n{text}")


def details(bench):
    """--only statistics and --only parameters print tables, the largest error first, of at most 20 rows and 100 columns; their rows
    are those of the file."""
    common = ("analyze", bench.glyphs / "model.onnx", "--platform", "onnxruntime-int8", "--calibration", bench.glyphs / "calib",
              "--preprocess", bench.glyphs / "meta.json", "--json", "f.json")
    for part, entry, head in (("statistics", "variables", "variable"), ("parameters", "parameters", "parameter")):
        text = bench.run(*common, "--only", part)
        lines = text.splitlines()
        require(lines and lines[0].split()[0] == head, f"no table:\n{text}")
        require(max(map(len, lines)) <= 100, f"too wide:\n{text}")
        found = bench.json("f.json")[entry]
        shares = [float(row[row.index("%") - 1]) for row in (line.split() for line in lines[1:]) if "%" in row]
        wanted = sorted((100 * row["noise_to_signal"] for row in found), reverse=True)[:20]
        require(len(shares) == len(wanted) > 3, f"{len(shares)} rows, not {len(wanted)}:\n{text}")
        for a, b in zip(shares, wanted):
            require(abs(a - b) <= 5.1e-5, f"{a} where the file has {b}:\n{text}")
        require(("and %d more" % (len(found) - 20) in text) == (len(found) > 20), text)
    text = bench.run(*common, "--only", "own,statistics,parameters")
    heads = [line.split()[0] for line in text.splitlines() if line and line.split()[0] in ("operator", "variable", "parameter")]
    require(heads == ["operator", "variable", "parameter"], text)
    require(bench.run(*common, "--only", "statistics", "--quiet") == "", "--quiet prints")


def costs(bench):
    """A platform that says what operators cost has it beside their errors, still in lines of at most 100 columns."""
    text = (bench.plugins / "onnxruntime-int8.platform.yaml").read_text().replace("id: onnxruntime-int8", "id: costly")
    head, rules = text.split("\noperators:\n", 1)
    text = (f"{head}\ncost: {{unit: cycles, float: {{fixed: 7}}}}\noperators:\n"
            f"  - {{types: [MatMul], cost: {{fixed: 100, product: 0.5, element: 1}}}}\n{rules}")
    (bench.work / "costly.platform.yaml").write_text(text)
    products(bench)
    shown = bench.run("analyze", "net.onnx", "--platform", "costly", "--plugin-path", bench.work, "--calibration", "x.npy", "--json",
                      "f.json")
    lines = shown.splitlines()
    require(max(map(len, lines)) <= 100, f"too wide:\n{shown}")
    wanted = {"first": 100 + 0.5 * 16 * 12 + 12, "second": 100 + 0.5 * 12 * 5 + 5}
    require(lines[0].split()[-1] == "cost", shown)
    require({line.split()[0]: float(line.split()[-1]) for line in lines[1:3]} == wanted, shown)
    require(f"cost: {sum(wanted.values()):.0f} cycles a sample" in lines, shown)
    nodes = {node["node"]: node["cost"] for node in bench.json("f.json")["cost"]["nodes"]}
    require(nodes == wanted, f"{nodes}")


def skipped(bench):
    """Samples that cannot be used are counted; where none can be, the run fails, whatever it was to measure."""
    conv_net(bench, normal(6))
    (bench.work / "some").mkdir()
    (bench.work / "none").mkdir()
    for i, sample in enumerate(normal(6).astype(numpy.float32)):
        numpy.save(bench.work / "some" / f"{i}.npy", sample)
        if i < 2:
            sample[0, 0, 0] = numpy.nan
            numpy.save(bench.work / "some" / f"{i}.npy", sample)
            numpy.save(bench.work / "none" / f"{i}.npy", sample)
    common = ("analyze", "net.onnx", "--platform", "naive-int8", "--calibration", "x.npy", "--on-bad-sample", "skip", "--json", "f.json")
    for part in ("statistics", "layerwise", "statistics,own", "causes"):
        done = bench.done(*common, "--data", "some", "--only", part)
        require(done.returncode == 0, done.stderr)
        require(done.stderr.count("skipped 2 of 6 samples that were to be analysed") == 1, f"{part}: {done.stderr}")
        figures = bench.json("f.json")
        require(figures["samples"] == 4 and len(figures["skipped"]) == 2, f"{part}: {figures['samples']} samples")
        told = bench.fails(*common, "--data", "none", "--only", part)
        require("no sample could be analysed; the first was refused because:" in told, f"{part}: {told}")


# --- two products of matrices, once more in NumPy -----------------------------------------------------------------

def products(bench):
    random = numpy.random.default_rng(3)
    w1, w2 = (random.normal(size=shape).astype(numpy.float32) for shape in ((16, 12), (12, 5)))
    x = random.normal(size=(6, 1, 16)).astype(numpy.float32)
    nodes = [onnx.node("MatMul", ["x", "w1"], ["h"], "first"), onnx.node("MatMul", ["h", "w2"], ["y"], "second")]
    (bench.work / "net.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("x", [1, 16])], [onnx.value_info("y", [1, 5])],
        [onnx.tensor("w1", w1.shape, w1.flatten()), onnx.tensor("w2", w2.shape, w2.flatten())]))
    numpy.save(bench.work / "x.npy", x)
    return x[:, 0], w1, w2


def fake_quantize(x, slot):
    """As the configs file describes the slot."""
    if slot["state"] in ("fp32", "overlapped", "initial") or slot["scale"] is None:
        return x
    scale, zero = (numpy.asarray(slot[key], numpy.float32).reshape(-1) for key in ("scale", "offset"))
    if len(scale) > 1:
        shape = [1] * x.ndim
        shape[slot["channel_axis"]] = len(scale)
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    code = numpy.clip(numpy.round(x / scale) + zero, slot["qmin"], slot["qmax"])
    return ((code - zero) * scale).astype(numpy.float32)


def noise(q, f):
    q, f = q.astype(float), f.astype(float)
    return float(numpy.mean(((q - f) ** 2).sum(-1) / ((f ** 2).sum(-1) + 1e-7)))


def numpy_agrees(bench):
    """Cumulative, layerwise, own and inherited errors from the scales of the configs file alone."""
    x, w1, w2 = products(bench)
    common = ("net.onnx", "--platform", "naive-int8", "--calibration", "x.npy", "--quiet")
    bench.run("quantize", *common, "--output", "q.onnx", "--configs-out", "configs.json")
    bench.run("analyze", *common, "--json", "figures.json", "--executor", "reference")
    slots = {name: (slot if direction == "inputs" else slot) for (node, _, direction, number), slot
             in bench.slots("configs.json").items() for name in [(node, direction[:-1], number)]}

    def product(node, a, w, on=True):
        if not on:
            return a @ w
        a, w = fake_quantize(a, slots[node, "input", 0]), fake_quantize(w, slots[node, "input", 1])
        return fake_quantize(a @ w, slots[node, "output", 0])

    h, y = x @ w1, x @ w1 @ w2
    hq = product("first", x, w1)
    yq = product("second", hq, w2)
    wanted = {"first": {"graphwise": noise(hq, h), "layerwise": noise(hq @ w2, y), "own": noise(hq, h), "inherited": 0},
              "second": {"graphwise": noise(yq, y), "layerwise": noise(product("second", h, w2), y),
                         "own": noise(product("second", h, w2), y), "inherited": noise(hq @ w2, y)}}
    figures = bench.json("figures.json")
    require([op["name"] for op in figures["operators"]] == ["first", "second"], "other operators were analysed")
    for op in figures["operators"]:
        for kind, value in wanted[op["name"]].items():
            near(op[kind]["noise_to_signal"], value, f"{kind} of {op['name']}")
    for variable in figures["variables"]:
        if variable["value"] == "h":
            near(variable["float"]["mean"], float(h.mean()), "mean of h", 1e-5)
            near(variable["float"]["deviation"], float(h.std()), "deviation of h", 1e-5)
            break
    else:
        require(False, "no statistics of h")


def inner_value(bench):
    """--at measures at an inner value: an operator behind it has no layerwise error there."""
    products(bench)
    bench.run("analyze", "net.onnx", "--platform", "naive-int8", "--calibration", "x.npy", "--at", "h", "--json", "f.json", "-q",
              "--only", "layerwise,own")
    first, second = bench.json("f.json")["operators"]
    near(first["layerwise"]["noise_to_signal"], first["own"]["noise_to_signal"], "error of 'first' at its own output", 1e-9)
    require("layerwise" not in second, "'second' does not reach h")


# --- advice -------------------------------------------------------------------------------------------------------

def advice_shared(bench):
    """A scale that a reader shares: the reader changes with it, and does not quantize the value once more."""
    pads = [onnx.ints_attribute("pads", [1, 1, 1, 1])]
    nodes = [onnx.conv(name="first"), onnx.node("Relu", ["c"], ["a"], "relu"),
             onnx.node("Conv", ["a", "v", "b"], ["y"], "conv", attributes=pads)]
    random = numpy.random.default_rng(7)
    (bench.work / "net.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("x", [1, 3, 8, 8])], [onnx.value_info("y", [1, 2, 8, 8])],
        [onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS), onnx.tensor("v", (2, 4, 3, 3), list(random.normal(size=72))),
         onnx.tensor("b", (2,), [0.5] * 2)]))
    x = normal()
    x[7, 1, 3, 3] = 200
    numpy.save(bench.work / "x.npy", x.astype(numpy.float32))
    rules = ("- match: {op: Conv}\n  set: {weights: {bits: 16}}\n- match: {node: first}\n  set: {inputs: {0: {bits: 16}}}\n"
             "- match: {node: conv}\n  set: {outputs: {bits: 16}}\n")  # what is left is the value between them
    shared = {("first", "outputs", 0), ("relu", "inputs", 0), ("relu", "outputs", 0), ("conv", "inputs", 0)}
    follow(bench, "range-outlier", "onnxruntime-int8", "mse", "layerwise", shared, rules, "a")


def conv_net(bench, x, scales=(1, 1, 1, 1)):
    weights = [w * scales[i // 27] for i, w in enumerate(onnx.WEIGHTS)]
    (bench.work / "net.onnx").write_bytes(onnx.small_net(weights=onnx.tensor("w", onnx.WEIGHT_SHAPE, weights), batch=1))
    numpy.save(bench.work / "x.npy", x.astype(numpy.float32))


def analyze(bench, platform, observer, overrides=""):
    (bench.work / "p.yaml").write_text(
        f"halftone: 1\nmodel: net.onnx\nplatform: {platform}\nobserver: {observer}\ncalibration: {{path: x.npy}}\n" + overrides)
    bench.run("analyze", "p.yaml", "--json", "p.json", "--quiet", "--samples", 256, "--all")
    return bench.json("p.json")


def configs(bench):
    """All that the pipeline decides of each slot but its scale."""
    bench.run("run", "p.yaml", "--quiet", "--set", "configs_out=configs.json")
    kept = ("bits", "state", "policy", "qmin", "qmax", "channel_axis", "observer")
    return {(node, direction, number): {key: slot[key] for key in kept if key in slot}
            for (node, _, direction, number), slot in bench.slots("configs.json").items()}


def follow(bench, kind, platform, observer, place, slots, rules="", value=None):
    """The advice of this kind, beside the rules that there are, lowers the error that it is about, and changes these slots only."""
    before = analyze(bench, platform, observer, rules and "overrides:\n" + rules)
    slots_before = configs(bench)
    causes = [cause for cause in before["causes"] if cause["kind"] == kind and value in (None, cause["value"])]
    require(causes, f"no {kind} among {[cause['kind'] for cause in before['causes']]}")
    after = analyze(bench, platform, observer, "overrides:\n" + rules + causes[0]["override"])
    error = {}
    for name, figures in (("before", before), ("after", after)):
        error[name] = sum(op[place]["noise_to_signal"] for op in figures["operators"]
                          if f'"{op["name"]}"' in causes[0]["override"])
    require(error["after"] < 0.7 * error["before"], f"{kind}: {error}")
    slots_after = configs(bench)
    changed = {slot for slot, config in slots_after.items() if config != slots_before[slot]}
    require(changed == slots, f"{kind}: {causes[0]['override']}changes {sorted(changed)}, not only {sorted(slots)}")


def normal(count=256):
    return numpy.random.default_rng(5).normal(size=(count, 3, 8, 8))


def advice_outlier(bench):
    x = normal()
    x[7, 1, 3, 3] = 200
    conv_net(bench, x)
    follow(bench, "range-outlier", "naive-int8", "minmax", "layerwise", {("conv", "inputs", 0)})


def advice_one_sided(bench):
    conv_net(bench, numpy.abs(normal()) + 1)
    follow(bench, "one-sided-range", "tensorrt-int8", "minmax", "layerwise", {("conv", "inputs", 0)})


def advice_saturation(bench):
    x = normal()
    x[10:14, 0, 0, 0] = 12
    conv_net(bench, x)
    follow(bench, "saturation", "naive-int8", "percentile", "layerwise", {("conv", "inputs", 0)})


def advice_weight_spread(bench):
    conv_net(bench, normal(), scales=(1, 1, 1, 1e-3))
    rules = "- match: {op: Conv}\n  set: {activations: {bits: 16}}\n"  # the weight is what is left
    follow(bench, "weight-spread", "naive-int8", "minmax", "layerwise", {("conv", "inputs", 1)}, rules)


def advice_channel_spread(bench):
    """A convolution of each channel by itself, of which one channel is far larger than the others."""
    group = onnx.field(1, "group") + onnx.field(3, 3) + onnx.field(20, 2)
    nodes = [onnx.node("Conv", ["x", "w"], ["y"], "conv", attributes=[onnx.ints_attribute("pads", [1, 1, 1, 1]), group])]
    (bench.work / "net.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("x", [1, 3, 8, 8])], [onnx.value_info("y", [1, 3, 8, 8])],
        [onnx.tensor("w", (3, 1, 3, 3), [w * (1 if i < 9 else 50) for i, w in enumerate(onnx.WEIGHTS[:27])])]))
    numpy.save(bench.work / "x.npy", (normal() * numpy.array([50, 1, 1]).reshape(3, 1, 1)).astype(numpy.float32))
    follow(bench, "channel-spread", "naive-int8", "minmax", "layerwise", {("conv", "inputs", 0)})


def advice_coarse_bias(bench):
    """A bias far below what its scale of input times weight can tell apart, where most samples leave nothing but the bias."""
    nodes = [onnx.conv(inputs=("x", "w", "b"), output="y")]
    (bench.work / "net.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("x", [1, 3, 8, 8])], [onnx.value_info("y", [1, 4, 8, 8])],
        [onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS), onnx.tensor("b", (4,), [0.01] * 4)]))
    x = normal() * 1000
    x[1:] = 0
    numpy.save(bench.work / "x.npy", x.astype(numpy.float32))
    rules = "- match: {op: Conv}\n  set: {outputs: {state: fp32}}\n"
    follow(bench, "coarse-bias", "onnxruntime-int8", "minmax", "layerwise", {("conv", "inputs", 2)}, rules)


# --- PPQ ----------------------------------------------------------------------------------------------------------

def real_file(path):
    """A link may have become a file that holds its target."""
    if path.stat().st_size < 200 and path.suffix == ".npy":
        return path.parent / path.read_text().strip()
    return path


def ppq(bench):
    """The layerwise errors of PPQ 0.6.6 within 0.5 %, its cumulative ones within the noise of 4096 drawn elements."""
    shared = os.environ.get("HALFTONE_SHARED")
    if not shared:
        print("HALFTONE_SHARED is not set: nothing is compared")
        sys.exit(SKIPPED)
    preset = (bench.plugins.parent / "presets" / "ppq-compat.preset.yaml").read_text()
    passes = "".join(line + "\n" for line in preset.splitlines() if line.startswith("  - "))
    for model, file, count, group, tolerance in (("squeezenet-imagenet", "model.onnx", 32, 4, 5e-3),
                                                 ("resnet20-cifar10", "model_bn_unfused.onnx", 256, 32, 0.02)):
        folder = pathlib.Path(shared) / "models" / model
        oracle = json.loads((pathlib.Path(shared) / "oracle/ppq" / model / "TRT_INT8.percentile.error_analysis.json").read_text())
        (bench.work / "p.yaml").write_text(
            f"halftone: 1\nmodel: {folder / file}\nplatform: ppq-trt-int8\ncalibration:\n  path: {real_file(folder / 'calib/x.npy')}\n"
            f"  preprocess: {folder}/meta.json\n  limit: {count}\npasses:\n" + passes.replace("group: 32", f"group: {group}"))
        bench.run("analyze", "p.yaml", "--json", "p.json", "--quiet", "--samples", count, "--only", "graphwise,layerwise")
        found = bench.json("p.json")["operators"]
        named = {op["name"]: op for op in found} | {op["name"].replace("Conv_", "generated_name_"): op for op in found}
        require(len(found) == len(oracle["layerwise"]), f"{model}: {len(found)} operators")
        for kind, allowed in (("layerwise", tolerance), ("graphwise", 0.15)):
            off = {name: named[name][kind]["noise_to_signal"] / value - 1 for name, value in oracle[kind].items()}
            worst = max(off, key=lambda name: abs(off[name]))
            print(f"{model} {kind}: furthest off by {100 * off[worst]:.2f} % ({worst})")
            require(abs(off[worst]) <= allowed, f"{model} {kind} of {worst} is off by {100 * off[worst]:.2f} %")


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, [threads, executors, table, details, costs, skipped, numpy_agrees, inner_value, advice_outlier, advice_one_sided,
                                 advice_saturation, advice_weight_spread, advice_channel_spread,
                                 advice_coarse_bias, advice_shared, ppq], Bench, FOLDERS))
