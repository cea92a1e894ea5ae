"""Models in float16, bfloat16 and float64: quantized like float32 ones, and written back in the type that is asked for.
Each function is one test; the first argument names it."""
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

CODES = {"float32": 1, "float16": 10, "float64": 11, "bfloat16": 16}
CHANNELS, CLASSES = 6, 5


def rounded(values, kind):
    """The numbers of the type that are next to the values, as float32."""
    values = numpy.asarray(values, numpy.float32)
    if kind == "float16":
        return values.astype(numpy.float16).astype(numpy.float32)
    if kind == "bfloat16":
        bits = values.view(numpy.uint32).astype(numpy.uint64)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(numpy.uint32).view(numpy.float32)
    return values


def raw(values, kind):
    if kind == "bfloat16":
        return (numpy.ascontiguousarray(values).view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes()
    return numpy.asarray(values).astype(kind).tobytes()


def tensor(name, values, kind):
    return onnx.fields(1, values.shape) + onnx.field(2, CODES[kind]) + onnx.field(8, name) + onnx.field(9, raw(values, kind))


def value_info(name, shape, kind):
    dims = b"".join(onnx.field(1, onnx.field(2 if isinstance(extent, str) else 1, extent)) for extent in shape)
    return onnx.field(1, name) + onnx.field(2, onnx.field(1, onnx.field(1, CODES[kind]) + onnx.field(2, dims)))


def net(kind):
    """Conv, Relu, mean, Gemm, Softmax: the numbers are of the model `numbers`, so that types alone differ."""
    random = numpy.random.default_rng(4)
    w = random.normal(size=(CHANNELS, 3, 3, 3)) / 4
    b, g = random.normal(size=CHANNELS), random.normal(size=(CHANNELS, CLASSES)) * 3
    stored = [tensor(name, rounded(values, "bfloat16"), kind) for name, values in (("w", w), ("b", b), ("g", g))]
    nodes = [onnx.node("Conv", ["x", "w", "b"], ["c"], "conv"), onnx.node("Relu", ["c"], ["r"]),
             onnx.node("GlobalAveragePool", ["r"], ["p"], "pool"), onnx.node("Flatten", ["p"], ["f"]),
             onnx.node("MatMul", ["f", "g"], ["m"], "product"), onnx.node("Softmax", ["m"], ["y"])]
    return onnx.model(nodes, [value_info("x", ["batch", 3, 8, 8], kind)], [value_info("y", ["batch", CLASSES], kind)], stored)


def prepare(bench):
    for kind in CODES:
        (bench.work / f"{kind}.onnx").write_bytes(net(kind))
    x = rounded(numpy.random.default_rng(5).normal(size=(40, 3, 8, 8)), "bfloat16")
    numpy.save(bench.work / "x.npy", x)
    return x


def quantize(bench, kind, *args):
    bench.run("quantize", f"{kind}.onnx", "-p", "onnxruntime-int8", "-c", "x.npy", "-o", f"{kind}.int8.onnx", "--configs-out",
              f"{kind}.json", "-q", *args)
    return bench.slots(f"{kind}.json")


def same_scales(bench):
    """Numbers that every type has: each config of each type equals that of the float32 model."""
    prepare(bench)
    expected = quantize(bench, "float32")
    require(sum(slot["state"] != "FP32" for slot in expected.values()) >= 8, "little is quantized")
    for kind in ("float16", "bfloat16", "float64"):
        found = quantize(bench, kind)
        require({key for key in found if key[1] != "Cast"} == set(expected), f"{kind}: other slots than those of float32")
        for key, slot in expected.items():
            for field in ("state", "scale", "offset"):
                require(found[key].get(field) == slot.get(field), f"{kind}: {key} has another {field}")


def written_types(bench):
    """float_type of the exporter: the file computes the same to that type's rounding, and has the type where it was asked to."""
    prepare(bench)
    forms = {"float32": 1e-12, "float16": 1e-5, "bfloat16": 1e-4, "model": 1e-4}
    for kind in ("float16", "bfloat16", "float32"):
        exports = [f"  - {{format: onnx-qdq, path: {kind}.{form}.onnx, float_type: {form}}}" for form in forms]
        body = [f"halftone: 1", f"model: {kind}.onnx", "platform: onnxruntime-int8", "calibration: {path: x.npy}",
                "dispatch: {table: [{match: {node: conv}, to: float}, {match: {op: Relu}, to: float}, "
                "{match: {op: MatMul}, to: float}]}", "export:", *exports]
        (bench.work / "p.yaml").write_text("\n".join(body) + "\n")
        bench.run("run", "p.yaml", "-q")
        for form, most in forms.items():
            bench.run("evaluate", f"{kind}.{form}.onnx", "--data", "x.npy", "--against", f"{kind}.float32.onnx", "--json", "e.json", "-q")
            noise = bench.json("e.json")["outputs"][0]["noise_to_signal"]
            require(noise < most, f"{kind}.{form}.onnx is {noise} from the float32 file")
            file = bench.bytes(f"{kind}.{form}.onnx")
            wanted = kind if form == "model" else form
            # ONNX has Conv in bfloat16 since opset 22 only, and MatMul since 13.
            require((b"w_float16" in file) == (wanted == "float16"), f"{kind}.{form}: float16 weights of Conv")
            require(b"w_bfloat16" not in file, f"{kind}.{form}: bfloat16 weights of Conv")
            require((b"g_bfloat16" in file) == (wanted == "bfloat16"), f"{kind}.{form}: bfloat16 weights of MatMul")


def samples_become_float16(bench):
    """Samples in float32 are rounded to the type of the input; what float16 cannot hold is an error."""
    x = prepare(bench)
    bench.run("evaluate", "float16.onnx", "--data", "x.npy", "--against", "float32.onnx", "--json", "e.json", "-q")
    noise = bench.json("e.json")["outputs"][0]["noise_to_signal"]
    require(noise < 1e-6, f"noise {noise}")
    x[3, 1, 2, 2] = 70000
    numpy.save(bench.work / "large.npy", x)
    error = bench.fails("quantize", "float16.onnx", "-p", "onnxruntime-int8", "-c", "large.npy", "-o", "o.onnx", "-q")
    require("70000" in error and "float16, which ends at 65504" in error and "large.npy[3]" in error, error)


def float32_edges(bench):
    """Inputs and outputs in float32, where that is asked for."""
    prepare(bench)
    for edges, casts in (("float32", 0), ("keep", 2)):
        bench.run("run", edges_pipeline(bench, edges), "-q")
        counted = bench.run("inspect", f"{edges}.onnx")
        require(("Cast" in counted) == (casts > 0), counted)
        bench.run("evaluate", f"{edges}.onnx", "--data", "x.npy", "--against", "float16.onnx", "--json", "e.json", "-q")
        require(bench.json("e.json")["outputs"][0]["noise_to_signal"] < 1e-2, f"{edges}: the file computes something else")


def edges_pipeline(bench, edges):
    passes = f"[{{unify-floats: {{edges: {edges}}}}}, assign-configs, quantize-fusion, parameter-quantize, runtime-calibration, passive-parameter-quantize, parameter-baking]"
    (bench.work / "edges.yaml").write_text("halftone: 1\nmodel: float16.onnx\nplatform: onnxruntime-int8\ncalibration: {path: x.npy}\n"
                                           f"evaluate: {{path: x.npy}}\npasses: {passes}\nexport: [{{format: onnx-qdq, path: {edges}.onnx}}]\n")
    return "edges.yaml"


def without_the_pass(bench):
    """A pipeline that leaves unify-floats out keeps float16 operators in float, and says why."""
    prepare(bench)
    (bench.work / "p.yaml").write_text("halftone: 1\nmodel: float16.onnx\nplatform: onnxruntime-int8\nconfigs_out: c.json\n"
                                       "passes: [assign-configs]\nexport: [{format: onnx-qdq, path: o.onnx}]\n")
    bench.run("run", "p.yaml", "-q")
    reasons = {operation["op"]: operation.get("reason", "") for operation in bench.json("c.json")["operations"]}
    require(reasons["conv"] == "its input 'x' is float16, not float32; the pass unify-floats brings it there", str(reasons))


def profiled(bench):
    """A profile runs such models in float32 as an evaluation does, on samples and on random numbers."""
    prepare(bench)
    steps = {}
    for kind in CODES:
        for data in ([], ["--data", "x.npy", "--limit", 2]):
            bench.run("profile", f"{kind}.onnx", *data, "--runs", 1, "--threads", 1, "--json", "p.json", "-q")
            steps[kind] = {step["name"]: step.get("how") for step in bench.json("p.json")["steps"] if step["type"] in ("Conv", "MatMul")}
    require(len(steps["float32"]) == 2 and all(found == steps["float32"] for found in steps.values()), f"other kernels: {steps}")


TESTS = (same_scales, written_types, samples_become_float16, float32_edges, without_the_pass, profiled)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
