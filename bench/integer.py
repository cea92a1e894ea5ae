#!/usr/bin/env python3
"""Integer mode beside float mode, on one thread, with the instructions that this processor has and with fewer.

    integer.py --halftone BIN [--shared FOLDER] [--runs N] [--rounds N] [--isa NAME ...]

`model`: processor time of a sample of the float file and of its quantized file (onnxruntime-int8), as `halftone profile` takes it.
`layer`: a 3x3 convolution with Relu, of the sizes of ResNet-20 and ResNet-18: time of its step alone. `other`: the same of other
convolutions and products. Runs of both modes take turns, so that
a slow moment of the machine falls on both; printed are the least times, as other work only ever adds to them. --isa are values of
ONEDNN_MAX_CPU_ISA, which limits both modes. Needs numpy and onnx.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "acceptance" / "oracle"))
from model_files import resolve_link, shared_folder  # noqa: E402

MODELS = ("resnet20-cifar10", "mobilenetv2-cifar10", "squeezenet-imagenet")
LAYERS = ((16, 32), (32, 16), (64, 8), (64, 56), (128, 28), (256, 14), (512, 7))  # channels, height and width

OTHERS = (  # name, operator, shape of the input, of the weight or of the second input, attributes
    ("3x3 depthwise, 96 channels, 28x28", "Conv", (1, 96, 28, 28), (96, 1, 3, 3), {"group": 96, "pads": [1] * 4}),
    ("3x3 in 32 groups, 128 channels, 28x28", "Conv", (1, 128, 28, 28), (128, 4, 3, 3), {"group": 32, "pads": [1] * 4}),
    ("3x3 in 4 groups, 128 channels, 28x28", "Conv", (1, 128, 28, 28), (128, 32, 3, 3), {"group": 4, "pads": [1] * 4}),
    ("ConvTranspose 4x4, stride 2, 64 channels, 28x28", "ConvTranspose", (1, 64, 28, 28), (64, 64, 4, 4), {"strides": [2, 2], "pads": [1] * 4}),
    ("Conv 9, 64 channels, 1024 samples", "Conv", (1, 64, 1024), (64, 64, 9), {"pads": [4, 4]}),
    ("Conv 3x3x3, 32 channels, 8x28x28", "Conv", (1, 32, 8, 28, 28), (32, 32, 3, 3, 3), {"pads": [1] * 6}),
    ("MatMul of two values, 12 of 128x64x128", "MatMul", (1, 12, 128, 64), (1, 12, 64, 128), {}),
    ("Gemm, 128x768x768", "Gemm", (128, 768), (768, 768), {}),
)


def constant(name, array):
    return numpy_helper.from_array(array, name)


def layer(channels, side, quantized):
    """Three times Conv 3x3 and Relu, of random weights, of which the second is looked at: it neither takes in an input nor
    hands an output over. The same with Q/DQ nodes."""
    random = numpy.random.default_rng(channels)
    tensors = [constant("one", numpy.float32(0.02)), constant("zero", numpy.uint8(0)), constant("wz", numpy.int8(0)),
               constant("ws", numpy.float32(0.02 / channels ** 0.5 / 100))]
    nodes, value = [], "x"
    for i in range(3):
        weights = random.integers(-127, 128, (channels, channels, 3, 3))
        if quantized:
            tensors.append(constant(f"w{i}", weights.astype(numpy.int8)))
            nodes += [helper.make_node("QuantizeLinear", [value, "one", "zero"], [f"q{i}"]),
                      helper.make_node("DequantizeLinear", [f"q{i}", "one", "zero"], [f"d{i}"]),
                      helper.make_node("DequantizeLinear", [f"w{i}", "ws", "wz"], [f"dw{i}"])]
        else:
            tensors.append(constant(f"dw{i}", (weights * 0.0002 / channels ** 0.5).astype(numpy.float32)))
        source = f"d{i}" if quantized else value
        nodes += [helper.make_node("Conv", [source, f"dw{i}"], [f"c{i}"], f"conv{i}", pads=[1] * 4),
                  helper.make_node("Relu", [f"c{i}"], [f"r{i}"], f"relu{i}")]
        value = f"r{i}"
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, channels, side, side]) for n in ("x", value)]
    graph = helper.make_graph(nodes, "layer", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Net:
    """Nodes one by one; with Q/DQ nodes around each where `quantized`."""

    def __init__(self, quantized):
        self.quantized, self.nodes, self.inputs = quantized, [], []
        self.random = numpy.random.default_rng(1)
        self.tensors = [constant("one", numpy.float32(0.02)), constant("zero", numpy.uint8(128)), constant("wz", numpy.int8(0)),
                        constant("ws", numpy.float32(0.002))]

    def feed(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return self.codes(name)

    def codes(self, value):
        if not self.quantized:
            return value
        self.nodes += [helper.make_node("QuantizeLinear", [value, "one", "zero"], [f"{value}_q"]),
                       helper.make_node("DequantizeLinear", [f"{value}_q", "one", "zero"], [f"{value}_d"])]
        return f"{value}_d"

    def weight(self, name, shape):
        codes = self.random.integers(-127, 128, shape).astype(numpy.int8)
        if not self.quantized:
            self.tensors.append(constant(name, (codes * 0.002).astype(numpy.float32)))
            return name
        self.tensors.append(constant(f"{name}_q", codes))
        self.nodes.append(helper.make_node("DequantizeLinear", [f"{name}_q", "ws", "wz"], [name]))
        return name

    def node(self, op, name, inputs, attributes):
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_y"], name, **attributes))
        return self.codes(f"{name}_y")

    def model(self, output):
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "other", self.inputs, [result], self.tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def other(op, shape, weight, attributes, quantized):
    """A node between others, so that it neither takes in an input nor hands an output over; the second operand of MatMul comes
    in as well."""
    net = Net(quantized)
    if "Conv" not in op:
        first = net.node("Relu", "first", [net.feed("x", shape)], {})
        second = net.node("Relu", "second", [net.feed("w", weight)], {}) if op == "MatMul" else net.weight("w", weight)
        return net.model(net.node("Relu", "last", [net.node(op, "node", [first, second], attributes)], {}))
    ones = (1,) * (len(shape) - 2)
    channels = weight[1] if op == "ConvTranspose" else weight[0]
    first = net.node("Conv", "first", [net.feed("x", (1, 4) + shape[2:]), net.weight("w1", (shape[1], 4) + ones)], {})
    y = net.node(op, "node", [first, net.weight("w", weight)], attributes)
    return net.model(net.node("Conv", "last", [y, net.weight("w2", (4, channels) + ones)], {}))


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, Path(work)

    def profile(self, file, mode, isa, runs, what):
        figures = self.work / "figures.json"
        environment = dict(os.environ, ONEDNN_MAX_CPU_ISA=isa)
        subprocess.run([self.options.halftone, "profile", str(file), "--mode", mode, "--threads", "1", "--runs", str(runs),
                        "--json", str(figures), "--quiet"], env=environment, check=True)
        return what(json.loads(figures.read_text()))

    def compare(self, name, isa, floats, integers, rounds, runs, what):
        times = {"float": [], "integer": []}
        for _ in range(rounds):
            for mode, file in (("float", floats), ("integer", integers)):
                times[mode].append(self.profile(file, mode, isa, runs, what))
        a, b = min(times["float"]), min(times["integer"])
        print(f"| {name} | {isa} | {a:.3f} | {b:.3f} | {a / b:.2f} |", flush=True)

    def models(self):
        shared = shared_folder(self.options.shared)
        for name in MODELS:
            folder, file = shared / "models" / name, self.work / f"{name}.onnx"
            subprocess.run([self.options.halftone, "quantize", str(folder / "model.onnx"), "--platform", "onnxruntime-int8", "--calibration",
                            str(resolve_link(folder / "calib" / "x.npy")), "--preprocess", str(folder / "meta.json"), "--limit", "32",
                            "-o", str(file), "--quiet"], check=True)
            for isa in self.options.isa:
                self.compare(name, isa, folder / "model.onnx", file, self.options.rounds, self.options.runs, self.processor_time)

    def layers(self):
        for channels, side in LAYERS:
            files = []
            for quantized in (False, True):
                files.append(self.work / f"layer{int(quantized)}.onnx")
                onnx.save(layer(channels, side, quantized), files[-1])
            for isa in self.options.isa:
                # Short runs, so that one of them has the processor to itself even on a busy machine.
                small = channels * side * side < 20000
                self.compare(f"3x3, {channels} channels, {side}x{side}", isa, *files, (4 if small else 12) * self.options.rounds,
                             5 if small else 1, self.step_time)

    def others(self):
        for name, op, shape, weight, attributes in OTHERS:
            files = []
            for quantized in (False, True):
                files.append(self.work / f"other{int(quantized)}.onnx")
                onnx.save(other(op, shape, weight, attributes, quantized), files[-1])
            for isa in self.options.isa:
                self.compare(name, isa, *files, 8 * self.options.rounds, 1, lambda figures: self.step_time(figures, "node"))

    @staticmethod
    def processor_time(figures):
        return 1000 * figures["cpu_seconds"] / figures["samples"]

    @staticmethod
    def step_time(figures, name="conv1"):
        return sum(row["milliseconds"] for row in figures["steps"] if row["name"] == name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--shared")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--isa", nargs="*", default=["AVX2", "AVX512_CORE", "ALL"])
    options = parser.parse_args()
    print("| what | instructions | float, ms | integer, ms | times as fast |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="halftone-integer-") as work:
        bench = Bench(options, work)
        bench.layers()
        bench.others()
        bench.models()
    return 0


if __name__ == "__main__":
    sys.exit(main())
