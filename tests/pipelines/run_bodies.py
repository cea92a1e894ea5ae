"""Models with If, Loop and Scan from end to end. Needs the Python package of ONNX. Each function is one test; the first argument
names it."""
import importlib.util
import pathlib
import sys

import numpy
import onnx
from onnx import numpy_helper

from glyphs import FOLDERS, Bench
from test_main import require, run_tests

MAKER = pathlib.Path(__file__).resolve().parent.parent / "acceptance" / "consumer" / "made_control_flow.py"
MODELS = ("branches", "loop", "scan")


def make(bench):
    spec = importlib.util.spec_from_file_location("made_control_flow", MAKER)
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.main(bench.work)


def quantize(bench, name, output, *args, data="x.npy"):
    bench.run("quantize", f"{name}/model.onnx", "--platform", "onnxruntime-int8", "--calibration", f"{name}/{data}", "--test",
              f"{name}/x.npy", "--output", f"{output}.onnx", "--configs-out", f"{output}.json", "--json", f"{output}.figures",
              "--quiet", *args)
    return bench.json(f"{output}.figures")["outputs"][0]["noise_to_signal"]


def threads(bench):
    """The same file on any number of threads."""
    make(bench)
    for name in MODELS:
        for count in (1, 4):
            quantize(bench, name, f"{name}{count}", "--threads", count)
        require(bench.bytes(f"{name}1.onnx") == bench.bytes(f"{name}4.onnx"), f"{name}: threads change the file")
        require(bench.bytes(f"{name}1.json") == bench.bytes(f"{name}4.json"), f"{name}: threads change the configs")


def executors(bench):
    """Both executors find the same ranges, and lose as little."""
    make(bench)
    for name in MODELS:
        noise = [quantize(bench, name, f"{name}_{executor}", "--executor", executor) for executor in ("onednn", "reference")]
        require(all(0 < n < 0.05 for n in noise), f"{name}: noise {noise}")
        require(abs(noise[0] - noise[1]) < 0.02 * noise[1] + 1e-9, f"{name}: noise {noise}")


def inner_nodes(file):
    """Operators of all bodies."""
    found = []

    def walk(graph, inside):
        for node in graph.node:
            if inside:
                found.append(node.op_type)
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    walk(attribute.g, True)

    walk(onnx.load(file).graph, False)
    return found


def pairs_inside(bench):
    """Files are sound, and have the pairs of a body inside it."""
    make(bench)
    for name in MODELS:
        quantize(bench, name, name)
        file = bench.work / f"{name}.onnx"
        onnx.checker.check_model(str(file))
        inner = inner_nodes(file)
        require(inner.count("QuantizeLinear") >= 1 and inner.count("DequantizeLinear") >= 2, f"{name}: {inner}")


def statistics(bench):
    """Statistics of bodies serve a run without data, and join from shards."""
    make(bench)
    for name in MODELS:
        quantize(bench, name, "direct")
        calibrate = ["calibrate", f"{name}/model.onnx", "--observe-for", "onnxruntime-int8", "--calibration", f"{name}/x.npy", "--quiet"]
        for part in (1, 2):
            bench.run(*calibrate, "--shard", f"{part}/2", "--output", f"{part}.htstats")
        bench.run("merge", "1.htstats", "2.htstats", "--output", "all.htstats")
        bench.run("quantize", f"{name}/model.onnx", "--platform", "onnxruntime-int8", "--stats-in", "all.htstats", "--output",
                  "stored.onnx", "--quiet")
        require(bench.bytes("direct.onnx") == bench.bytes("stored.onnx"), f"{name}: stored statistics give another file")


def branch_not_taken(bench):
    """What no sample reaches stays in float, and says why."""
    make(bench)
    x = numpy.load(bench.work / "branches" / "x.npy")
    numpy.save(bench.work / "branches" / "positive.npy", numpy.abs(x))
    quantize(bench, "branches", "half", data="positive.npy")
    slots = bench.slots("half.json")
    reasons = {slot.get("reason", "") for (op, *_), slot in slots.items() if op.startswith(("node_nc", "node_nd"))}
    require(any("no calibration sample produced" in reason for reason in reasons), f"reasons: {reasons}")
    taken = [slot for (op, _, direction, _), slot in slots.items() if op == "node_yc" and direction == "inputs"]
    require(any(slot.get("scale") for slot in taken), "the branch that was taken has no scales")


def explained(bench):
    """The table of configs names nodes of bodies, and says of the nodes around them why they stay in float."""
    make(bench)
    quantize(bench, "loop", "loop")
    operations = {operation["op"]: operation for operation in bench.json("loop.json")["operations"]}
    require("it runs bodies" in operations["node_last"]["reason"], operations["node_last"].get("reason"))
    require(operations["node_p"]["quantized"], "the MatMul in the body is in float")


def memory_budget(bench):
    """A budget counts bodies, and is kept."""
    make(bench)
    for name in MODELS:
        quantize(bench, name, "with", "--memory-budget", "1GiB")
        quantize(bench, name, "without")
        require(bench.bytes("with.onnx") == bench.bytes("without.onnx"), f"{name}: the budget changes the file")


def functions(bench):
    """What quantizes replaces calls of functions; a pipeline without passes leaves them."""
    make(bench)
    noise = quantize(bench, "functions", "flat")
    require(0 < noise < 0.01, f"noise {noise}")
    flat = onnx.load(bench.work / "flat.onnx")
    onnx.checker.check_model(flat)
    require(not flat.functions and all(node.domain != "own" for node in flat.graph.node), "calls are left")
    (bench.work / "copy.yaml").write_text("halftone: 1\nmodel: functions/model.onnx\nplatform: onnxruntime-int8\npasses: []\nexport:\n"
                                          "  - {path: copy.onnx}\n")
    bench.run("run", "copy.yaml", "--quiet")
    before, after = onnx.load(bench.work / "functions" / "model.onnx"), onnx.load(bench.work / "copy.onnx")
    require(list(after.functions) == list(before.functions), "the functions changed")
    require(list(after.graph.node) == list(before.graph.node), "the calls changed")


def optional_input(bench):
    """An optional tensor: y = x W, times the tensor where there is one. Left out, given, quantized and written back."""
    make = onnx.helper
    optional = make.make_optional_type_proto(make.make_tensor_type_proto(1, [1, 4]))

    def branch(name, nodes):
        return make.make_graph(nodes, name, [], [make.make_tensor_value_info(f"{name}_y", 1, None)])

    given = branch("given", [make.make_node("OptionalGetElement", ["by"], ["e"]), make.make_node("Mul", ["p", "e"], ["given_y"])])
    alone = branch("alone", [make.make_node("Identity", ["p"], ["alone_y"])])
    random = numpy.random.default_rng(1)
    w, x, by = random.normal(size=(4, 4)), random.normal(size=(6, 4)), random.normal(size=(6, 4))
    graph = make.make_graph(
        [make.make_node("MatMul", ["x", "w"], ["p"], name="product"), make.make_node("OptionalHasElement", ["by"], ["has"]),
         make.make_node("If", ["has"], ["y"], then_branch=given, else_branch=alone)], "net",
        [make.make_tensor_value_info("x", 1, ["N", 4]), make.make_value_info("by", optional)],
        [make.make_tensor_value_info("y", 1, ["N", 4])], [numpy_helper.from_array(w.astype(numpy.float32), "w")])
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), bench.work / "optional.onnx")
    for name, values in (("x", x), ("by", by)):
        numpy.save(bench.work / f"{name}.npy", values.astype(numpy.float32))
    for executor in ("onednn", "reference"):
        for data, wanted in ((["--data", "x=x.npy"], x @ w), (["--data", "x=x.npy", "--data", "by=by.npy"], x @ w * by)):
            bench.run("evaluate", "optional.onnx", *data, "--executor", executor, "--outputs-npy", "out", "-q")
            found = numpy.load(bench.work / "out" / "y.npy").reshape(wanted.shape)
            require(numpy.abs(found - wanted).max() < 1e-5, f"{executor}, {data}: another result")
    bench.run("quantize", "optional.onnx", "-p", "onnxruntime-int8", "-c", "x=x.npy", "-o", "q.onnx", "-q")
    bench.run("evaluate", "q.onnx", "--data", "x=x.npy", "--against", "optional.onnx", "--json", "e.json", "-q")
    require(0 < bench.json("e.json")["outputs"][0]["noise_to_signal"] < 1e-3, str(bench.json("e.json")))
    kinds = [value.type.WhichOneof("value") for value in onnx.load(bench.work / "q.onnx").graph.input]
    require(kinds == ["tensor_type", "optional_type"], f"inputs of the file: {kinds}")
    bench.run("profile", "optional.onnx", "--runs", 1, "-q")


def fused(bench, model, name, fusion):
    """Runs a pipeline with a fusion; gives what it said, and what the file computes."""
    (bench.work / f"{name}.yaml").write_text(
        f"halftone: 1\nmodel: {model}/model.onnx\nplatform: onnxruntime-int8\ncalibration: {{path: {model}/x.npy}}\n"
        f"fusions:\n  - {{name: made, {fusion}}}\nexport: [{{path: {name}.onnx}}]\nconfigs_out: {name}.json\n")
    done = bench.done("run", f"{name}.yaml")
    require(done.returncode == 0, f"{name}: {done.stderr}")
    bench.run("evaluate", f"{name}.onnx", "--data", f"{model}/x.npy", "--outputs-npy", name, "-q")
    return done.stdout + done.stderr, numpy.load(bench.work / name / "y.npy")


def fusions(bench):
    """Places of fusions in bodies are quantized and deployed like others."""
    make(bench)
    forms = {"branches": ("y = Relu(Conv(x, w, b?))", "y = Max(Conv(x, w, b), 0)", "node_yes", ("node_yc", "outputs", 0)),
             "loop": ("y = Tanh(Add(MatMul(x, w), b))", "y = Tanh(Gemm(x, w, b))", "node_t", ("node_p", "outputs", 0))}
    for model, (pattern, form, root, inside) in forms.items():
        keys = f"pattern: '{pattern}', points: {{y: {{fixed: {{scale: 0.0625, zero_point: 16}}}}}}"
        _, plain = fused(bench, model, "plain", keys)
        text, computed = fused(bench, model, "form", keys + f", deployed: '{form}'")
        require(" deployed" in text and "not fused" not in text and "not deployed" not in text, f"{model}: {text}")
        require(numpy.abs(computed - plain).max() < 1e-5, f"{model}: the deployed form computes something else")
        inner = inner_nodes(bench.work / "form.onnx")
        words = [word for word in ("Max", "Gemm") if word in form]
        require(all(inner.count(word) == 1 for word in words), f"{model}: bodies have {inner}")
        slots = {(op, direction, number): slot for (op, _, direction, number), slot in bench.slots("form.json").items()}
        y = slots[root, "outputs", 0]
        require((y["scale"], y["offset"]) == ([0.0625], [16]), f"{model}: y is {y}")
        require(slots.get(inside, {"state": "FP32"})["state"] == "FP32", f"{model}: {inside} is quantized")


TESTS = (threads, executors, pairs_inside, statistics, branch_not_taken, explained, memory_budget, functions, optional_input, fusions)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
