#!/usr/bin/python3
"""Fake-quantizes model.onnx, naively and well, and prints top-1 against float.

This is a reference for what int8 can be expected to give on this model. It
shares no code with Halftone: the graph is read from the ONNX file and
evaluated with torch, and int8 is simulated by rounding in float.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F

import render

BATCH = 100


class Graph:
    """The parts of an ONNX graph that evaluation needs."""

    def __init__(self, path):
        graph = onnx.load(str(path)).graph
        self.nodes = list(graph.node)
        self.constants = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy())
                          for t in graph.initializer}
        for node in self.nodes:
            if node.op_type == "Constant":
                value = numpy_helper.to_array(node.attribute[0].t).copy()
                self.constants[node.output[0]] = torch.from_numpy(value)
        self.nodes = [n for n in self.nodes if n.op_type != "Constant"]
        self.input = graph.input[0].name
        self.output = graph.output[0].name

    def consumers(self, name):
        return [n for n in self.nodes if name in n.input]


def run_node(node, args):
    attrs = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    op = node.op_type
    if op == "Conv":
        pads = attrs.get("pads", [0, 0, 0, 0])
        assert pads[:2] == pads[2:], "only symmetric padding is evaluated here"
        return F.conv2d(*args, stride=attrs["strides"], padding=pads[:2],
                        groups=attrs["group"])
    if op == "BatchNormalization":
        x, gamma, beta, mean, var = args
        return F.batch_norm(x, mean, var, gamma, beta, eps=attrs["epsilon"])
    if op == "Gemm":
        assert attrs.get("transB") == 1
        return F.linear(*args)
    if op == "Clip":
        return torch.clamp(args[0], float(args[1]), float(args[2]))
    if op == "MaxPool":
        return F.max_pool2d(args[0], attrs["kernel_shape"], attrs["strides"])
    if op == "GlobalAveragePool":
        return args[0].mean((2, 3), keepdim=True)
    if op == "Concat":
        return torch.cat(args, attrs["axis"])
    simple = {"Relu": torch.relu, "Sigmoid": torch.sigmoid, "Add": torch.add,
              "Mul": torch.mul, "Flatten": lambda x: torch.flatten(x, 1)}
    return simple[op](*args)


def evaluate(graph, x, hook=None):
    """Logits for x; hook(name, value) may replace any value on the way."""
    hook = hook or (lambda name, value: value)
    values = dict(graph.constants)
    values[graph.input] = hook(graph.input, x)
    for node in graph.nodes:
        name = node.output[0]
        values[name] = hook(name, run_node(node, [values[i] for i in node.input]))
    return values[graph.output]


def fold_batch_norms(graph):
    """Turns every Conv + BatchNormalization pair into one Conv with a bias."""
    kept, renamed = [], {}
    for node in graph.nodes:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
        if node.op_type != "BatchNormalization":
            kept.append(node)
            continue
        conv = next(n for n in kept if n.output[0] == node.input[0])
        gamma, beta, mean, var = (graph.constants[i] for i in node.input[1:5])
        eps = next(a.f for a in node.attribute if a.name == "epsilon")
        factor = gamma / torch.sqrt(var + eps)
        weight = graph.constants[conv.input[1]]
        graph.constants[conv.input[1]] = weight * factor[:, None, None, None]
        graph.constants[node.input[2]] = beta - mean * factor
        del conv.input[2:]
        conv.input.append(node.input[2])
        renamed[node.output[0]] = conv.output[0]
    graph.nodes = kept


def quantized_tensors(graph):
    """The activations that an int8 runtime would keep in memory."""
    names = [graph.input]
    for node in graph.nodes:
        name = node.output[0]
        # Selecting and reshaping keep the scale of their input.
        if node.op_type in ("MaxPool", "Flatten"):
            continue
        # A rectifier is part of the kernel of the layer that it follows.
        readers = graph.consumers(name)
        if len(readers) == 1 and readers[0].op_type in ("Relu", "Clip"):
            continue
        names.append(name)
    return names


def quantize_weights(graph, per_channel):
    """Symmetric int8; biases stay float, as int32 has digits to spare."""
    for node in graph.nodes:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        weight = graph.constants[node.input[1]]
        flat = weight.abs().flatten(1)
        peak = flat.max(1).values if per_channel else flat.max().expand(len(weight))
        scale = (peak / 127).clamp(min=1e-30).reshape(-1, *[1] * (weight.dim() - 1))
        rounded = torch.clamp(torch.round(weight / scale), -127, 127)
        graph.constants[node.input[1]] = rounded * scale


def activation_ranges(graph, x, percentile):
    """(low, high) per tensor over the calibration set, always with zero in it."""
    seen = {name: [] for name in quantized_tensors(graph)}

    def record(name, value):
        if name in seen:
            seen[name].append(value.flatten().numpy())
        return value

    for batch in x.split(BATCH):
        evaluate(graph, batch, record)
    ranges = {}
    for name, parts in seen.items():
        low, high = np.percentile(np.concatenate(parts), [100 - percentile, percentile])
        ranges[name] = (min(float(low), 0.0), max(float(high), 0.0))
    return ranges


def fake_quantizer(ranges):
    """Affine 8-bit rounding of every tensor that has a range."""
    def hook(name, value):
        if name not in ranges:
            return value
        low, high = ranges[name]
        scale = (high - low) / 255
        zero = round(-low / scale)
        return (torch.clamp(torch.round(value / scale) + zero, 0, 255) - zero) * scale
    return hook


def top1(graph, x, y, hook=None):
    logits = torch.cat([evaluate(graph, batch, hook) for batch in x.split(BATCH)])
    return 100 * float((logits.argmax(1) == y).float().mean())


def prepare(images, labels, meta):
    x = images.astype(np.float32) * np.float32(meta["scale"])
    x = (x - np.float32(meta["mean"])) / np.float32(meta["std"])
    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels)


def load_set(folder, meta):
    return prepare(np.load(folder / "x.npy"), np.load(folder / "y.npy"), meta)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--percentile", type=float, default=99.99)
    parser.add_argument("--fresh", type=int, default=0,
                        help="test on this many newly rendered samples instead of test/")
    parser.add_argument("--weights", action="store_true",
                        help="also print each layer's folded weight range over its channels")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)

    meta = json.loads((args.dir / "meta.json").read_text())
    calib, _ = load_set(args.dir / "calib", meta)
    if args.fresh:
        x, y = prepare(*render.render_set("fresh", args.fresh), meta)
    else:
        x, y = load_set(args.dir / "test", meta)

    model = args.dir / "model.onnx"
    print(f"{len(y)} samples, int8 calibrated on {len(calib)}")
    print(f"{'float':46s} {top1(Graph(model), x, y):6.2f} %")

    good = f"percentile {args.percentile:g}"
    variants = [("naive: per-tensor weights, min-max", False, 100.0),
                (f"per-tensor weights, {good}", False, args.percentile),
                ("per-channel weights, min-max", True, 100.0),
                (f"good: per-channel weights, {good}", True, args.percentile)]
    for title, per_channel, percentile in variants:
        graph = Graph(model)
        fold_batch_norms(graph)
        ranges = activation_ranges(graph, calib, percentile)
        quantize_weights(graph, per_channel)
        print(f"{title:46s} {top1(graph, x, y, fake_quantizer(ranges)):6.2f} %")

    if args.weights:
        graph = Graph(model)
        fold_batch_norms(graph)
        for node in graph.nodes:
            if node.op_type in ("Conv", "Gemm"):
                peak = graph.constants[node.input[1]].abs().flatten(1).max(1).values
                ratio = float(peak.max() / peak.min())
                print(f"{node.name:28s} largest / smallest channel peak {ratio:8.1f}")


if __name__ == "__main__":
    main()
