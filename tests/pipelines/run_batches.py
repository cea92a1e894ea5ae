"""Fixed batches, free ones and other dimensions: models that were exported for one batch and get single samples, sizes that must stay,
and tensors of no elements or no axes. Each function is one test; the first argument names it."""
import pathlib
import struct
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

CHANNELS, CLASSES = 4, 5


def integers(name, values):
    return onnx.fields(1, [len(values)]) + onnx.field(2, 7) + onnx.field(8, name) + onnx.field(9, struct.pack(f"<{len(values)}q", *values))


def net(batch, shape, between=(), features=CHANNELS * 64):
    """Conv, Relu, what `between` has, Reshape to `shape`, MatMul."""
    random = numpy.random.default_rng(8)
    g = random.normal(size=(features, CLASSES))
    last = between[-1][1] if between else "r"
    nodes = [onnx.conv(output="c"), onnx.node("Relu", ["c"], ["r"]), *[node for node, _ in between],
             onnx.node("Reshape", [last, "shape"], ["flat"], "flatten"), onnx.node("MatMul", ["flat", "g"], ["y"], "product")]
    stored = [onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS), onnx.tensor("g", g.shape, g.ravel().tolist()), integers("shape", shape)]
    return onnx.model(nodes, [onnx.value_info("x", [batch, 3, 8, 8])], [onnx.value_info("y", [batch, CLASSES])], stored)


def samples(bench, count=10):
    numpy.save(bench.work / "x.npy", numpy.random.default_rng(9).normal(size=(count, 3, 8, 8)).astype(numpy.float32))


def quantize(bench, name, *args):
    done = bench.done("quantize", f"{name}.onnx", "-p", "onnxruntime-int8", "-c", "x.npy", "--test", "x.npy", "-o", f"{name}.int8.onnx",
                      "--configs-out", f"{name}.json", "--json", f"{name}.figures.json", "-q", *args)
    require(done.returncode == 0, f"{name}: {done.stderr}")
    return done.stderr


def edges(bench, file):
    """The lines of `inspect` with the shapes of inputs and outputs."""
    return " ".join(line for line in bench.run("inspect", file).splitlines() if line.startswith(("input", "output")))


def fixed_batch(bench):
    """The batch in inputs, outputs and in shapes that say it as a number, with or without an open extent: all give what the free model
    gives, in the simulation, in the written file and by `evaluate`."""
    samples(bench)
    (bench.work / "free.onnx").write_bytes(net("N", [0, -1]))
    require(quantize(bench, "free") == "", "a warning about a free batch")
    wanted, slots = bench.json("free.figures.json")["outputs"], bench.slots("free.json")
    for name, batch, shape in (("number", 4, [4, 256]), ("open", 4, [4, -1]), ("leading", 4, [-1, 256]), ("zero", 4, [0, 256]),
                               ("shape_alone", "N", [4, 256])):
        (bench.work / f"{name}.onnx").write_bytes(net(batch, shape))
        told = quantize(bench, name)
        require("warning" in told and ("batches of 4" in told or "at node 'flatten'" in told), f"{name}: {told}")
        require(bench.json(f"{name}.figures.json")["outputs"] == wanted, f"{name}: other figures than those of the free model")
        require(bench.slots(f"{name}.json") == slots, f"{name}: other configs than those of the free model")
        text = edges(bench, f"{name}.int8.onnx")
        require(",5]" in text and "[4,5]" not in text.replace(" ", ""), f"{name}: {text}")
        require("4,3,8,8" not in text and ("N,3,8,8" if batch == "N" else "batch,3,8,8") in text.replace(" ", ""), f"{name}: {text}")
        bench.run("evaluate", f"{name}.int8.onnx", "--data", "x.npy", "--against", "free.int8.onnx", "--json", "e.json", "-q")
        require(bench.json("e.json")["outputs"][0]["largest_difference"] == 0, f"{name}: the written files differ")
        for pair in ((name, "free"), ("free", name)):
            bench.run("evaluate", f"{pair[0]}.onnx", "--data", "x.npy", "--against", f"{pair[1]}.onnx", "--json", "e.json", "-q")
            require(bench.json("e.json")["outputs"][0]["largest_difference"] == 0, f"{pair} differ")


def profiled(bench):
    """A profile frees a fixed batch for single samples, and says so; where that cannot be, it names the node."""
    samples(bench)
    (bench.work / "fixed.onnx").write_bytes(net(4, [4, -1]))
    done = bench.done("profile", "fixed.onnx", "--data", "x.npy", "--runs", 1, "--json", "p.json", "-q")
    require(done.returncode == 0 and "batches of 4" in done.stderr, done.stderr)
    require(bench.json("p.json")["samples"] == 10, f"{bench.json('p.json')['samples']} samples")
    (bench.work / "alone.onnx").write_bytes(net("N", [4, 256]))
    bench.run("profile", "alone.onnx", "--runs", 1, "-q")


def statistics_of_freed(bench):
    """Statistics that were taken of the freed model serve the file again."""
    samples(bench)
    (bench.work / "number.onnx").write_bytes(net(4, [4, 256]))
    quantize(bench, "number")
    bench.run("calibrate", "number.onnx", "--observe-for", "onnxruntime-int8", "-c", "x.npy", "-o", "number.htstats", "-q")
    bench.run("quantize", "number.onnx", "-p", "onnxruntime-int8", "--stats-in", "number.htstats", "-o", "again.onnx", "-q")
    require(bench.bytes("again.onnx") == bench.bytes("number.int8.onnx"), "another file from the statistics")


def tied_batch(bench):
    """What cannot be freed is an error that names the node."""
    samples(bench)
    transpose = onnx.node("Transpose", ["r"], ["t"], "turn", attributes=[onnx.ints_attribute("perm", [1, 0, 2, 3])])
    models = {"turn": ("'turn' (Transpose)", "it moves axis 0", net(4, [4, 256], [(transpose, "t")])),
              "mixed": ("'flatten' (Reshape)", "it mixes samples", net(4, [2, 512], features=512))}
    for name, (node, why, data) in models.items():
        (bench.work / f"{name}.onnx").write_bytes(data)
        told = bench.fails("quantize", f"{name}.onnx", "-p", "onnxruntime-int8", "-c", "x.npy", "-o", "o.onnx", "-q")
        require(f"the model's batch is fixed to 4, and node {node} ties it to that: {why}" in told, told)
        require("export the model with a free batch or one of 1" in told, told)


def short_last_batch(bench):
    """Ten samples in batches of four: the same bytes as one by one."""
    samples(bench)
    (bench.work / "free.onnx").write_bytes(net("N", [0, -1]))
    files = []
    for batch in (1, 4, 10, 64):
        quantize(bench, "free", "--batch", batch)
        files.append(bench.bytes("free.int8.onnx") + bench.bytes("free.json"))
    require(len(set(files)) == 1, "the batch changes the result")


def kept_dimensions(bench):
    """Symbolic dimensions are in the written file under their names."""
    numpy.save(bench.work / "x.npy", numpy.random.default_rng(9).normal(size=(4, 3, 9, 7)).astype(numpy.float32))
    (bench.work / "free.onnx").write_bytes(onnx.model(
        [onnx.conv(), onnx.node("Relu", ["c"], ["y"])], [onnx.value_info("x", ["batch_size", 3, "height", "width"])],
        [onnx.value_info("y", ["batch_size", 4, "height", "width"])], [onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS)]))
    quantize(bench, "free")
    text = edges(bench, "free.int8.onnx").replace(" ", "")
    for wanted in ("batch_size,3,height,width", "batch_size,4,height,width"):
        require(wanted in text, f"{wanted} is not in {text}")
    numpy.save(bench.work / "wide.npy", numpy.zeros((2, 3, 5, 31), numpy.float32))
    bench.run("evaluate", "free.int8.onnx", "--data", "wide.npy", "-q")


def empty_and_scalar(bench):
    """A scalar factor, a tensor of no elements on the way, and one that is an output."""
    samples(bench)
    scalar = onnx.field(2, 1) + onnx.field(8, "half") + onnx.field(9, struct.pack("<f", 0.5))
    nodes = [onnx.conv(), onnx.node("Mul", ["c", "half"], ["m"], "scaled"),
             onnx.node("Slice", ["m", "zero", "zero", "one"], ["none"], "nothing"),
             onnx.node("Concat", ["m", "none"], ["y"], "joined", attributes=[onnx.field(1, "axis") + onnx.field(3, 1) + onnx.field(20, 2)])]
    for outputs in ([("y", 4)], [("y", 4), ("none", 0)]):
        (bench.work / "empty.onnx").write_bytes(onnx.model(
            nodes, [onnx.value_info("x", ["N", 3, 8, 8])], [onnx.value_info(name, ["N", c, 8, 8]) for name, c in outputs],
            [onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS), scalar, integers("zero", [0]), integers("one", [1])]))
        for executor in ("onednn", "reference"):
            quantize(bench, "empty", "--executor", executor)
            bench.run("evaluate", "empty.int8.onnx", "--data", "x.npy", "--against", "empty.onnx", "--executor", executor, "--json",
                      "e.json", "-q")
            found = bench.json("e.json")["outputs"]
            require(len(found) == len(outputs) and found[0]["noise_to_signal"] < 1e-2, str(found))


TESTS = (fixed_batch, statistics_of_freed, tied_batch, short_last_batch, kept_dimensions, empty_and_scalar, profiled)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
