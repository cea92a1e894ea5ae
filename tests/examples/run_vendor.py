"""The vendor's platform of examples/vendor-npu, from the float model to the file of its own. What the file computes is computed
by NumPy, in examples/vendor-npu/tern_file.py, and has to be what integer mode computes. Each function is one test."""
import importlib.util
import json
import math
import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from example_bench import FOLDERS, ExampleBench, real_model, require_close, require_schema, samples  # noqa: E402
from test_main import require, run_tests  # noqa: E402

EXPORTS = """export:
  - {format: tern, path: model.tern}
  - {format: onnx-qdq, path: model.qdq.onnx}
configs_out: configs.json
"""


def reader(bench):
    spec = importlib.util.spec_from_file_location("tern_file", bench.example / "tern_file.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def quantized(bench, folder=None, body=EXPORTS, **options):
    bench.pipeline_of(folder or bench.glyphs, "npu", body, "--json", "run.json", platform="tern-u8", **options)


def compared(bench, folder, limit, tail=None):
    """Requires that the file computes what integer mode does, bit for bit, or to 1e-6 of what `tail` makes of it; gives the
    program and the figures of integer mode."""
    tern = reader(bench)
    program = tern.read(bench.work / "model.tern")
    meta = json.loads((folder / "meta.json").read_text())
    device = tern.Device(program).run(samples(folder, limit, meta))[0]
    integer, figures = bench.outputs(folder, "model.qdq.onnx", limit, "--mode", "integer", "--platform", "tern-u8", "--labels",
                                     folder / "test" / "y.npy")
    device = device.reshape(integer.shape) if tail is not None else device
    require(device.shape == integer.shape, f"shapes {device.shape} and {integer.shape}")
    if tail is not None:
        require(numpy.abs(tail(device) - integer).max() < 1e-6, "the outputs differ")
        return program, figures
    different = int(numpy.sum(device != integer))
    require(different == 0, f"{different} of {device.size} outputs differ, by {numpy.abs(device - integer).max()} at most")
    require(len(numpy.unique(device)) > 10, "the outputs are all but constant")
    return program, figures


def exact_on_glyphs(bench):
    quantized(bench, limit=128)
    _, figures = compared(bench, bench.glyphs, 200)
    require(figures["top1"] > 0.9, f"top-1 of {figures['top1']}")
    print(f"top-1 {figures['top1']:.3f}, float {figures['float_top1']:.3f}")


def scales(bench):
    """Powers of two where the descriptor says so; one scale for what is joined or pooled."""
    quantized(bench)
    program = reader(bench).read(bench.work / "model.tern")
    tern = reader(bench)
    seen = dict.fromkeys(("add", "mean", "concat", "pool"), 0)
    free = 0
    for op, operands in program.instructions:
        out = program.tensors[operands[0]]
        is_power = math.frexp(float(out["scale"]))[0] == 0.5
        if op in (tern.ADD, tern.MEAN):
            require(is_power, f"{out['name']}: scale {out['scale']} is no power of two")
            seen["add" if op == tern.ADD else "mean"] += 1
        elif op == tern.PRODUCT:
            free += not is_power
        elif op == tern.CONCAT:
            parts = [program.tensors[part] for part in operands[2:]]
            require(all((part["scale"], part["zero"]) == (out["scale"], out["zero"]) for part in parts), "a Concat of several grids")
            seen["concat"] += 1
        elif op == tern.MAX_POOL:
            source = program.tensors[operands[1]]
            require((source["scale"], source["zero"]) == (out["scale"], out["zero"]), "a MaxPool changes the grid")
            seen["pool"] += 1
    require(seen == {"add": 2, "mean": 1, "concat": 1, "pool": 2}, f"the program has {seen}")
    require(free > 5, "the scales of convolutions are powers of two as well")
    slots = bench.slots("configs.json")
    for (op, kind, direction, number), slot in slots.items():
        if kind == "Concat" and direction == "inputs":
            require(slot["state"] in ("OVERLAPPED", "PASSIVE"), f"{op}: input {number} has a scale of its own")


def convolution(channels_out, **attributes):
    """A model of one 3x3 convolution of 8 channels."""
    rng = numpy.random.default_rng(7)
    weight = rng.normal(0, 0.2, (channels_out, 8 // attributes.get("group", 1), 3, 3)).astype(numpy.float32)
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[1, 1, 1, 1], **attributes)
    out = (8 + 2 - 2 * attributes.get("dilations", [1])[0] - 1) // attributes.get("strides", [1])[0] + 1
    sides = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", channels, extent, extent])
             for name, channels, extent in (("x", 8, 8), ("y", channels_out, out))]
    graph = onnx.helper.make_graph([node], "g", sides[:1], sides[1:], [onnx.numpy_helper.from_array(weight, "w")])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)


def winograd_weights(bench):
    """Six bits where the Winograd unit computes, by descriptor and code; eight elsewhere. Packed without gaps."""
    tern = reader(bench)
    numpy.save(bench.work / "x.npy", numpy.random.default_rng(1).normal(0, 1, (8, 8, 8, 8)).astype(numpy.float32))
    cases = (({}, 16, 6), ({}, 12, 8), ({"strides": [2, 2]}, 16, 8), ({"group": 2}, 16, 8), ({"dilations": [2, 2]}, 16, 8))
    for attributes, channels, bits in cases:
        onnx.save(convolution(channels, **attributes), bench.work / "conv.onnx")
        bench.run("quantize", "conv.onnx", "-p", "tern-u8", "-c", "x.npy", "--format", "tern", "-o", "conv.tern", "--configs-out",
                  "conv.json", "--quiet")
        program = tern.read(bench.work / "conv.tern")
        (_, operands), = [i for i in program.instructions if i[0] == tern.PRODUCT]
        require(operands[3] == bits, f"{channels} channels, {attributes}: weights of {operands[3]} bits, not {bits}")
        codes, weight = program.weights_of(operands), onnx.numpy_helper.to_array(onnx.load(bench.work / "conv.onnx").graph.initializer[0])
        require(numpy.abs(codes).max() <= (31 if bits == 6 else 127), "a code is out of range")
        scale = numpy.array(bench.json("conv.json")["operations"][0]["inputs"][1]["scale"], numpy.float32).reshape(-1, 1, 1, 1)
        most = 31 if bits == 6 else 127
        require(numpy.array_equal(codes, numpy.clip(numpy.rint(weight / scale), -most, most)), "the codes are not those of the weights")
        size = operands[14] - operands[2]  # the biases lie behind the weights
        require(size == -(-codes.size * bits // 8 // 64) * 64, f"{codes.size} codes of {bits} bits take {size} bytes")


def residual_block():
    """Two convolutions of one input, the second without a limit of its own, an Add of both, and a Clip."""
    rng = numpy.random.default_rng(5)
    weights = [onnx.numpy_helper.from_array(rng.normal(0, 0.3, (8, 8, 1, 1)).astype(numpy.float32), name) for name in ("v", "w")]
    limits = [onnx.numpy_helper.from_array(numpy.float32(limit), name) for limit, name in ((0, "low"), (1.5, "high"))]
    nodes = [onnx.helper.make_node("Conv", ["x", "v"], ["a"], "first"), onnx.helper.make_node("Relu", ["a"], ["b"], "relu"),
             onnx.helper.make_node("Conv", ["b", "w"], ["c"], "second"), onnx.helper.make_node("Add", ["b", "c"], ["d"], "sum"),
             onnx.helper.make_node("Clip", ["d", "low", "high"], ["y"], "clip")]
    sides = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 8, 4, 4]) for name in ("x", "y")]
    graph = onnx.helper.make_graph(nodes, "g", sides[:1], sides[1:], weights + limits)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)


def fusions(bench):
    """The adder clamps: Add and Clip are one instruction with limits, and the file computes what integer mode does."""
    x = numpy.random.default_rng(2).normal(0, 1, (16, 8, 4, 4)).astype(numpy.float32)
    numpy.save(bench.work / "x.npy", x)
    onnx.save(residual_block(), bench.work / "block.onnx")
    (bench.work / "block.yaml").write_text("halftone: 1\nmodel: block.onnx\nplatform: tern-u8\ncalibration: {path: x.npy}\n" + EXPORTS)
    told = bench.run("run", "block.yaml", "--quiet")
    tern = reader(bench)
    program = tern.read(bench.work / "model.tern")
    require([op for op, _ in program.instructions] == [tern.PRODUCT, tern.PRODUCT, tern.ADD], f"{list(tern.listing(program))}{told}")
    low, high = program.instructions[-1][1][-2:]
    out = program.tensors[program.outputs[0]]
    require((low - out["zero"]) * out["scale"] == 0, f"the lower limit is code {low}")
    require(abs((high - out["zero"]) * out["scale"] - 1.5) <= out["scale"] / 2 or high == 255, f"the upper limit is code {high}")
    device = tern.Device(program).run(x)[0]
    bench.run("evaluate", "model.qdq.onnx", "--data", "x.npy", "--mode", "integer", "--platform", "tern-u8", "--outputs-npy",
              "outputs", "--json", "figures.json", "--quiet")
    integer = numpy.load(bench.work / bench.json("figures.json")["written"][0])
    require(numpy.array_equal(device, integer) and len(numpy.unique(device)) > 20, f"{int(numpy.sum(device != integer))} outputs differ")


def lookup_tables(bench):
    """Both swishes of the model are one operator, and their tables are what a formula in float64 says."""
    quantized(bench)
    model = onnx.load(bench.work / "model.qdq.onnx")
    ours = [node for node in model.graph.node if node.domain == "com.example.tern"]
    require([node.op_type for node in ours] == ["LutActivation"] * 2, f"operators of the vendor: {[n.op_type for n in ours]}")
    require(not [node for node in model.graph.node if node.op_type == "Sigmoid"], "a Sigmoid is left")
    tern = reader(bench)
    program = tern.read(bench.work / "model.tern")
    names = {"Mul_output_0", "Mul_1_output_0"}
    for op, operands in program.instructions:
        to = program.tensors[operands[0]]
        if op != tern.TABLE or to["name"].strip("/") not in names:
            continue
        names.remove(to["name"].strip("/"))
        source = program.tensors[operands[1]]
        x = (numpy.arange(256) - source["zero"]) * float(source["scale"])
        exact = x / (1 + numpy.exp(-x)) / float(to["scale"]) + to["zero"]
        table = program.table_at(operands[2])
        near_half = numpy.abs(exact - numpy.floor(exact) - 0.5) < 1e-4
        wrong = (numpy.clip(numpy.rint(exact), 0, 255) != table) & ~near_half
        require(not wrong.any(), f"{to['name']}: {int(wrong.sum())} entries of the table are wrong")
    require(not names, f"no tables for {names}")


def executors_agree(bench):
    """The vendor's operator runs in both executors, in float and simulated."""
    bench.pipeline_of(bench.glyphs, "rewritten", "passes: [tern-lut-activations]\nexport: [{path: rewritten.onnx}]\n",
                      platform="tern-u8")
    require(any(node.op_type == "LutActivation" for node in onnx.load(bench.work / "rewritten.onnx").graph.node), "nothing rewritten")
    quantized(bench)
    for model, bound in (("rewritten.onnx", 1e-9), ("model.qdq.onnx", 1e-2)):
        for executor in ("reference", "onednn"):
            _, figures = bench.outputs(bench.glyphs, model, 60, "--executor", executor)
            ratios = [output["noise_to_signal"] for output in figures["outputs"]]
            require(max(ratios) < bound, f"{model} with {executor}: noise/signal {max(ratios)}")


def costs(bench):
    """The hints of the descriptor, computed by hand for some nodes."""
    quantized(bench)
    cost = bench.json("run.json")["cost"]
    require(cost["unit"] == "cycles" and cost["unknown"] == 0 and cost["float"] == 0, f"{cost['unit']}, {cost['unknown']} unknown")
    nodes = {node["node"]: node for node in cost["nodes"]}
    stem = nodes["/stem/stem.0/Conv"]
    products, elements = 16 * 32 * 32 * 3 * 9, 16 * 32 * 32
    require((stem["products"], stem["elements"]) == (products, elements), f"work of the stem: {stem}")
    require_close(stem["cost"], 400 + products * 0.0008680555555555555 + elements * 0.03125, 1e-9, "cost of the stem")
    gemm = nodes["/classifier/Gemm"]
    require_close(gemm["cost"], 400 + 36 * 128 / 512 + 36 / 32, 1e-9, "cost of the classifier")
    require_close(cost["quantized"], sum(node["cost"] for node in cost["nodes"]), 1e-9, "the sum")


def refusals(bench):
    """What the device cannot compute is named, and leaves no file."""
    (bench.work / "float.yaml").write_text(
        f"halftone: 1\nmodel: {bench.glyphs}/model.onnx\nplatform: tern-u8\ncalibration: {{path: {bench.glyphs}/calib/x.npy, "
        f"preprocess: {bench.glyphs}/meta.json, limit: 8}}\noverrides:\n  - match: {{op: Gemm}}\n    set: {{outputs: {{state: fp32}}}}\n"
        "export: [{format: tern, path: model.tern}]\n")
    errors = bench.fails("run", "float.yaml", "--quiet")
    require("Tern runs whole networks on 8-bit codes: node '/classifier/Gemm' (Gemm) has an output that is not quantized; "
            "`halftone explain` tells why" in errors, errors)
    require("model.tern" in errors and not (bench.work / "model.tern").exists(), errors)
    errors = bench.fails("quantize", bench.glyphs / "model.onnx", "-p", "tern-u8", "-c", bench.glyphs / "calib", "--format", "tern",
                         "-o", "model.onnx", "--quiet")
    require("exporter 'tern' writes files that end with '.tern', and the name of 'model.onnx' does not" in errors, errors)


def schemas(bench):
    require_schema(bench, "platform", "tern-u8.platform.yaml")
    require_schema(bench, "pipeline", "pipeline.yaml")


def threads(bench):
    quantized(bench)
    once = bench.bytes("model.tern")
    text = (bench.work / "npu.yaml").read_text().replace("limit: 64", "limit: 64, threads: 3")
    (bench.work / "npu.yaml").write_text(text)
    bench.run("run", "npu.yaml", "--quiet")
    require(bench.bytes("model.tern") == once, "the file depends on the number of threads")


def softmax(x):
    powers = numpy.exp(x.astype(numpy.float64) - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def real_models(bench):
    """The last Softmax of squeezenet is the host's."""
    for name, limit, noise, tail in (("mobilenetv2-cifar10", 60, 0.1, None), ("squeezenet-imagenet", 4, 0.2, softmax)):
        folder = real_model(bench, name)
        quantized(bench, folder, limit=64)
        _, figures = compared(bench, folder, limit, tail)
        found = figures["outputs"][0]["noise_to_signal"]
        print(f"{name}: the file computes what integer mode does on {limit} samples; noise/signal {found:.4f}")
        require(found < noise, f"{name}: noise/signal {found}")


TESTS = [exact_on_glyphs, scales, winograd_weights, fusions, lookup_tables, executors_agree, costs, refusals, schemas, threads, real_models]
if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, ExampleBench, FOLDERS))
