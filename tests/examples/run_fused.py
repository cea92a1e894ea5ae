"""The fused operator of examples/fused-operator, from the pattern to the file: its kernel runs in place of three operators of the
example model, its gradient trains through it, its pass deploys it. Each function is one test."""
import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from example_bench import FOLDERS, ExampleBench, require_close, require_schema  # noqa: E402
from test_main import require, run_tests  # noqa: E402

NODE = "/classifier/Gemm"
BEFORE = ["constant-folding", "fold-batch-norm", "assign-configs", "quantize-fusion", "quantize-simplify", "parameter-quantize",
          "runtime-calibration"]
AFTER = ["passive-parameter-quantize", "parameter-baking"]


def fusions(bench, without=()):
    """The key of the example's pipeline, without some of its lines."""
    text = (bench.example / "pipeline.yaml").read_text()
    lines = text[text.index("fusions:"):text.index("export:")].splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith(tuple(f"{key}:" for key in without))) + "\n"


def quantized(bench, name, without=(), extra="", order=None, *args):
    body = fusions(bench, without) + f"export: [{{path: {name}.onnx}}]\nconfigs_out: {name}.json\n" + extra
    body += f"evaluate: {{path: {bench.glyphs}/test/x.npy, labels: {bench.glyphs}/test/y.npy}}\n"
    body += "passes:\n" + "".join(f"  - {each}\n" for each in order) if order else ""
    bench.pipeline_of(bench.glyphs, name, body, "--json", f"{name}.figures.json", *args, platform="onnxruntime-int8", limit=0)
    return bench.json(f"{name}.figures.json")


def head(bench, name):
    """The node in place of the classifier in a file, with the tensors that the file stores."""
    graph = onnx.load(bench.work / f"{name}.onnx").graph
    found = [node for node in graph.node if node.domain == "com.example"]
    require([node.op_type for node in found] == ["PoolLinear"], f"operators of the plug-in: {[node.op_type for node in found]}")
    require(not [node for node in graph.node if node.op_type in ("GlobalAveragePool", "Gemm")], "the pattern is still there")
    return found[0], {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}, graph


def slots(bench, name):
    return {(direction, number): slot for (node, _, direction, number), slot in bench.slots(f"{name}.json").items() if node == NODE}


def in_place(bench):
    """The operator runs where its pattern was, quantized around and not within, and is deployed with what the device wants."""
    figures = quantized(bench, "fused")
    plain = quantized(bench, "plain", ("fused", "deployed"))
    require(figures["top1"] > 0.9, f"top-1 of {figures['top1']}")
    noise, wanted = figures["outputs"][0]["noise_to_signal"], plain["outputs"][0]["noise_to_signal"]
    require_close(noise, wanted, 0.02, "noise/signal with the kernel and without it")
    node, stored, graph = head(bench, "fused")
    require([(a.name, a.i) for a in node.attribute] == [("pixels", 64)], f"the operator has {node.attribute}")
    makers = {output: each for each in graph.node for output in each.output}
    dequantized = [makers.get(name) for name in node.input]
    require([each and each.op_type for each in dequantized] == ["DequantizeLinear", "DequantizeLinear", None],
            "x and w come from integers and b does not")
    weight = dequantized[1].input
    require(stored[weight[0]].dtype == numpy.int8 and stored[weight[1]].shape == (36,), f"w is stored as {stored[weight[0]].dtype}")
    require("com.example" in [domain.domain for domain in onnx.load(bench.work / "fused.onnx").opset_import], "no version of the domain")


def slots_of_the_pattern(bench):
    """What the operator reads is quantized as in the operators that it stands for, though no rule of the platform knows it."""
    quantized(bench, "fused", (), "", BEFORE + AFTER)
    quantized(bench, "plain", ("fused", "deployed"), "", BEFORE + AFTER)
    mine, there = slots(bench, "fused"), slots(bench, "plain")
    weight = mine["inputs", 1]
    require((weight["qmin"], weight["qmax"], weight["channel_axis"]) == (-127, 127, 0), f"w has {weight}")
    for slot in (("inputs", 1), ("inputs", 2)):
        for key in ("state", "scale", "offset", "qmin", "qmax", "channel_axis"):
            require(mine[slot].get(key) == there[slot].get(key), f"{slot}: {key} is {mine[slot].get(key)}, not {there[slot].get(key)}")
    require(mine["inputs", 2]["state"] == "FP32", f"b has {mine['inputs', 2]}")
    require(mine["outputs", 0]["state"] == "ACTIVATED", f"y has {mine['outputs', 0]}")


def trained(bench):
    """Both trainers go back through the operator: its weight moves, and the error falls."""
    narrow = "overrides:\n" + "".join(f"  - {{match: {{op: {op}}}, set: {{weights: {{bits: 5}}}}}}\n" for op in ("Conv", "PoolLinear"))
    before = quantized(bench, "untrained", (), narrow, BEFORE + AFTER)["outputs"][0]["noise_to_signal"]
    for name, step in (("blocks", "learned-step-size: {steps: 60}"),
                       ("network", "quantization-aware-training: {epochs: 3, batch: 16, lr: 0.0005, scale_lr: 0.0005}")):
        told = quantized(bench, name, (), narrow, [*BEFORE, step, *AFTER])
        after = told["outputs"][0]["noise_to_signal"]
        print(f"{name}: noise/signal {before:.5f} -> {after:.5f}")
        require(after < 0.8 * before, f"{name}: noise/signal {before} -> {after}")
        codes = []
        for file in ("untrained", name):
            node, stored, graph = head(bench, file)
            makers = {output: each for each in graph.node for output in each.output}
            codes.append(stored[makers[node.input[1]].input[0]].astype(int))
        moved = int(numpy.sum(codes[0] != codes[1]))
        require(moved > 0, f"{name}: no weight of the operator has moved")


def corrections(bench):
    """Scales of its weight are searched like those of the Gemm; corrections leave the operator as it is, and say so."""
    search = [*BEFORE, "weight-scale-search", *AFTER]
    quantized(bench, "searched", (), "", search)
    quantized(bench, "plain", ("fused", "deployed"), "", search)
    quantized(bench, "found", (), "", BEFORE + AFTER)
    scales = [slots(bench, name)["inputs", 1]["scale"] for name in ("searched", "plain", "found")]
    require(scales[0] == scales[1] != scales[2], f"scales of w: {scales}")
    for step in ("bias-correction", "bias-correction: {mode: analytic}", "seq-mse", "round-tuning"):
        quantized(bench, "corrected", (), "", [*BEFORE, step, *AFTER])
        done = bench.done("run", "corrected.yaml", "--plugin-path", bench.plugins)
        told = f"com.example.PoolLinear '{NODE}': what an operator of a plug-in does with its weight is not known"
        require(told in done.stdout + done.stderr, f"{step} does not say what it leaves: {done.stdout + done.stderr}")
        require(slots(bench, "corrected")["inputs", 1] == slots(bench, "found")["inputs", 1], f"{step} changed the operator")
    name = "seq-mse"
    (bench.work / "named.yaml").write_text((bench.work / "corrected.yaml").read_text().replace(
        "  - round-tuning\n", f"  - {name}: {{layers: [{NODE}]}}\n"))
    errors = bench.fails("run", "named.yaml", "--quiet")
    require(f"seq-mse cannot treat '{NODE}': what com.example.PoolLinear does with its weight only its plug-in knows; take it "
            "out of `layers`" in errors, errors)


def overrides(bench):
    """What `weights` and `bias` of an override speak of is what they speak of in the Gemm."""
    body = (fusions(bench) + "    points: {b: bias}\nexport: [{path: o.onnx}]\nconfigs_out: o.json\noverrides:\n"
            "  - match: {op: PoolLinear}\n    set: ")
    bench.pipeline_of(bench.glyphs, "o", body + "{weights: {bits: 5}}\n", platform="onnxruntime-int8")
    there = slots(bench, "o")
    require((there["inputs", 1]["qmax"], there["inputs", 2]["qmax"]) == (15, 2147483647), f"{there}")
    bench.pipeline_of(bench.glyphs, "o", body + "{bias: {state: fp32}}\n", platform="onnxruntime-int8")
    there = slots(bench, "o")
    require(there["inputs", 2]["state"] == "FP32" and there["inputs", 1]["qmax"] == 127, f"{there}")


def without_plugin(bench):
    """A fused form that nothing can compute is an error that names it."""
    text = fusions(bench, ("deployed",)).replace("PoolLinear", "PoolLine")
    (bench.work / "absent.yaml").write_text(
        f"halftone: 1\nmodel: {bench.glyphs}/model.onnx\nplatform: onnxruntime-int8\n"
        f"calibration: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json, limit: 8}}\n{text}"
        "export: [{path: absent.onnx}]\n")
    errors = bench.fails("run", "absent.yaml", "--quiet")
    require("PoolLine" in errors and "com.example" in errors, errors)
    require(not (bench.work / "absent.onnx").exists(), "a file was written")


def checked(bench):
    """What the program finds out about any plug-in is no fault."""
    bench.run("check-plugin", bench.plugins / "fused_operator.so")


def threads(bench):
    quantized(bench, "a", (), "", [*BEFORE, "learned-step-size: {steps: 10}", *AFTER])
    text = (bench.work / "a.yaml").read_text().replace("limit: 0", "limit: 0, threads: 1").replace("a.onnx", "b.onnx")
    (bench.work / "b.yaml").write_text(text)
    bench.run("run", "b.yaml", "--quiet")
    require(bench.bytes("a.onnx") == bench.bytes("b.onnx"), "the file depends on the number of threads")


def schemas(bench):
    require_schema(bench, "pipeline", "pipeline.yaml")


TESTS = [in_place, slots_of_the_pattern, trained, corrections, overrides, without_plugin, checked, threads, schemas]
if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, ExampleBench, FOLDERS))
