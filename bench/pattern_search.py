#!/usr/bin/env python3
"""How long dispatching, assigning, the search of patterns and the fusion pass take on a graph of 10,000 nodes.

    pattern_search.py --halftone BIN [--nodes 10000] [--repeat 5]

The graph repeats blocks of what networks are made of: Conv with Relu, Clip, swish, mish, a residual sum, Gelu written out,
pooling and reshaping; weights are one value, so that the file is small. Each pass is timed by the program itself (`--json`).
All figures are the least of the repetitions; the search is the fusion pass with the list of patterns less the same without.
"""

import argparse
import json
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# Fusions that the platforms know, as patterns.
PATTERNS = ["y = {Relu|Clip|PRelu|LeakyRelu}({Conv|Gemm}(*))", "y = Mul(t, Sigmoid(t)) where t = Conv(_, w)",
            "y = Mul(t, Tanh(Softplus(t))) where t = Conv(_, w)", "y = Relu(Add(Conv(*), _))", "y = Relu(Add(_, _))",
            "y = Mul(Mul(x, Add(Erf(Div(x, s)), 1)), 0.5)", "y = Clip(t, 0, 6) where t = Conv(_, w)"]
PASSES = ("dispatch", "assign-configs", "quantize-fusion", "quantize-simplify")


class Maker:
    def __init__(self):
        self.nodes, self.count = [], 0
        self.weights = [numpy_helper.from_array(numpy.full((1, 1, 1, 1), 0.5, numpy.float32), "w")]
        for name, value in (("zero", 0.0), ("six", 6.0), ("root2", 1.4142135), ("one", 1.0), ("half", 0.5)):
            self.weights.append(numpy_helper.from_array(numpy.array(value, numpy.float32), name))
        self.weights.append(numpy_helper.from_array(numpy.array([0, 1, 4, 4], numpy.int64), "shape"))

    def add(self, op, *inputs, **attributes):
        out = f"v{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], name=f"{op}_{self.count}", **attributes))
        self.count += 1
        return out

    def conv(self, x):
        return self.add("Conv", x, "w", kernel_shape=[1, 1])

    def block(self, x):
        t = self.add("Relu", self.conv(x))
        t = self.add("Clip", self.conv(t), "zero", "six")
        u = self.conv(t)
        t = self.add("Mul", u, self.add("Sigmoid", u))
        u = self.conv(t)
        t = self.add("Mul", u, self.add("Tanh", self.add("Softplus", u)))
        t = self.add("Relu", self.add("Add", self.conv(t), x))
        u = self.conv(t)
        erf = self.add("Add", self.add("Erf", self.add("Div", u, "root2")), "one")
        t = self.add("Mul", self.add("Mul", u, erf), "half")
        t = self.add("Reshape", t, "shape")
        return self.add("MaxPool", t, kernel_shape=[1, 1])


def make_model(count, path):
    maker, x = Maker(), "x"
    while len(maker.nodes) < count:
        x = maker.block(x)
    shape = [1, 1, 4, 4]
    graph = helper.make_graph(maker.nodes, "blocks", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)], maker.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)
    return len(maker.nodes)


def run(halftone, folder, platform, passes):
    """Seconds of each pass by the program's clock, and of processor time of the whole run."""
    pipeline = folder / "pipeline.yaml"
    pipeline.write_text(json.dumps({"halftone": 1, "model": "model.onnx", "platform": platform, "passes": passes,
                                    "configs_out": "configs.json"}))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([halftone, "run", str(pipeline), "--quiet", "--json", str(folder / "figures.json")], check=True,
                   stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    steps = json.loads((folder / "figures.json").read_text())["steps"]
    return ({step["pass"]: step["seconds"] for step in steps},
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure(halftone, folder, platform, repeat):
    """The least of each pass, and the least processor time with the fusion pass, without patterns and with them."""
    least = {}

    def keep(key, value):
        least[key] = min(value, least.get(key, value))

    def fusion(patterns):
        return [{"quantize-fusion": {"patterns": patterns}} if name == "quantize-fusion" else name for name in PASSES]

    for _ in range(repeat):
        steps, cpu = run(halftone, folder, platform, fusion([]))
        for name, seconds in steps.items():
            keep(name, seconds)
        keep("cpu without patterns", cpu)
        steps, cpu = run(halftone, folder, platform, fusion(PATTERNS))
        keep("quantize-fusion with patterns", steps["quantize-fusion"])
        keep("cpu with patterns", cpu)
    return least


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--nodes", type=int, default=10000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--platform", default="openvino-int8")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = make_model(options.nodes, folder / "model.onnx")
        least = measure(options.halftone, folder, options.platform, options.repeat)
    print(f"{count} nodes, {options.platform}, least of {options.repeat}")
    for key, seconds in least.items():
        if not key.startswith("cpu"):
            print(f"  {key:32s} {seconds * 1000:8.1f} ms")
    wall = least["quantize-fusion with patterns"] - least["quantize-fusion"]
    cpu = least["cpu with patterns"] - least["cpu without patterns"]
    print(f"  {f'search of {len(PATTERNS)} patterns':32s} {wall * 1000:8.1f} ms, {cpu * 1000:.1f} ms of processor time")


if __name__ == "__main__":
    main()
