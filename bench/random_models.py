#!/usr/bin/env python3
"""Writes networks of random weights with the shapes of known ones, and a few random samples, for measuring time alone.

    random_models.py FOLDER

Weights have He's deviation, batch normalizations random but tame parameters, so that values neither die nor grow. Needs the Python
modules onnx and numpy (on Debian: /usr/bin/python3 with python3-onnx).
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SAMPLES = 5


class Net:
    """Layers one after the other; every method takes the name of a tensor and returns that of its result."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def constant(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def add(self, op, inputs, **attributes):
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x, channels, to, kernel=1, stride=1, group=1, act=None):
        """Convolution without bias, batch normalization, activation: as training leaves it."""
        n, fan_in = len(self.nodes), channels // group * kernel * kernel
        w = self.random.standard_normal((to, channels // group, kernel, kernel)) * np.sqrt(2 / fan_in)
        x = self.add("Conv", [x, self.constant(f"w{n}", w)], kernel_shape=[kernel] * 2, strides=[stride] * 2, group=group,
                     pads=[kernel // 2] * 4)
        uniform = self.random.uniform
        parameters = {"gamma": uniform(0.7, 1.0, to), "beta": uniform(-0.2, 0.2, to), "mean": uniform(-0.1, 0.1, to),
                      "var": uniform(0.8, 1.2, to)}
        x = self.add("BatchNormalization", [x, *(self.constant(f"{k}{n}", v) for k, v in parameters.items())], epsilon=1e-5)
        if act == "relu6":
            return self.add("Clip", [x, "zero", "six"])
        return self.add("Relu", [x]) if act else x

    def classifier(self, x, channels, classes=1000):
        x = self.add("Flatten", [self.add("GlobalAveragePool", [x])], axis=1)
        w = self.random.standard_normal((classes, channels)) / np.sqrt(channels)
        return self.add("Gemm", [x, self.constant("fc_w", w), self.constant("fc_b", np.zeros(classes))], transB=1)

    def product(self, x, inner, to):
        """A linear layer over the last axis, as exporters of transformers write it: MatMul and Add."""
        n = len(self.nodes)
        w = self.constant(f"w{n}", self.random.standard_normal((inner, to)) / np.sqrt(inner))
        return self.add("Add", [self.add("MatMul", [x, w]), self.constant(f"b{n}", self.random.uniform(-0.1, 0.1, to))])

    def write(self, folder, result, sample=(3, 224, 224), output=("N", 1000), opset=13):
        folder.mkdir(parents=True, exist_ok=True)
        self.nodes[-1].output[0] = "logits"
        graph = helper.make_graph(
            self.nodes, folder.name, [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *sample])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, output)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, str(folder / "model.onnx"))
        np.save(folder / "x.npy", self.random.standard_normal((SAMPLES, *sample)).astype(np.float32))
        return result


def mobilenet_v2(folder):
    net = Net(1)
    net.constant("zero", 0.0)
    net.constant("six", 6.0)
    x, channels = net.conv("input", 3, 32, 3, 2, act="relu6"), 32
    for expand, to, repeats, first_stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                              (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(repeats):
            stride, hidden, block = first_stride if i == 0 else 1, channels * expand, x
            if expand != 1:
                block = net.conv(block, channels, hidden, act="relu6")
            block = net.conv(block, hidden, hidden, 3, stride, hidden, act="relu6")
            block = net.conv(block, hidden, to)
            x = net.add("Add", [x, block]) if stride == 1 and channels == to else block
            channels = to
    return net.write(folder, net.classifier(net.conv(x, channels, 1280, act="relu6"), 1280))


def resnet50(folder):
    net = Net(2)
    x = net.conv("input", 3, 64, 7, 2, act="relu")
    x, channels = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), 64
    for width, repeats, first_stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(repeats):
            stride, to = first_stride if i == 0 else 1, 4 * width
            block = net.conv(x, channels, width, act="relu")
            block = net.conv(block, width, width, 3, stride, act="relu")
            block = net.conv(block, width, to)
            skip = net.conv(x, channels, to, 1, stride) if i == 0 else x
            x, channels = net.add("Relu", [net.add("Add", [block, skip])]), to
    return net.write(folder, net.classifier(x, channels))


def encoder(folder, layers=6, width=384, heads=6, length=128):
    """A transformer's encoder behind its embedding, layers normalized first; the gelu is the one of erf, in parts."""
    net = Net(3)
    for name, value in {"sqrt2": np.sqrt(2), "one": 1, "half": 0.5, "root": np.sqrt(width / heads)}.items():
        net.constant(name, value)
    for name, shape in {"split": [0, length, heads, width // heads], "join": [0, length, width]}.items():
        net.weights.append(numpy_helper.from_array(np.array(shape, np.int64), name))

    def normalized(x):
        n = len(net.nodes)
        scale = net.constant(f"gamma{n}", net.random.uniform(0.8, 1.2, width))
        return net.add("LayerNormalization", [x, scale, net.constant(f"beta{n}", net.random.uniform(-0.1, 0.1, width))])

    def head(x, order):
        return net.add("Transpose", [net.add("Reshape", [net.product(x, width, width), "split"])], perm=order)

    x = "input"
    for _ in range(layers):
        y = normalized(x)
        query, key, value = head(y, [0, 2, 1, 3]), head(y, [0, 2, 3, 1]), head(y, [0, 2, 1, 3])
        weights = net.add("Softmax", [net.add("Div", [net.add("MatMul", [query, key]), "root"])], axis=-1)
        y = net.add("Transpose", [net.add("MatMul", [weights, value])], perm=[0, 2, 1, 3])
        x = net.add("Add", [x, net.product(net.add("Reshape", [y, "join"]), width, width)])
        y = net.product(normalized(x), width, 4 * width)
        gate = net.add("Add", [net.add("Erf", [net.add("Div", [y, "sqrt2"])]), "one"])
        y = net.add("Mul", [net.add("Mul", [y, gate]), "half"])
        x = net.add("Add", [x, net.product(y, 4 * width, width)])
    return net.write(folder, normalized(x), (length, width), ("N", length, width), 17)


MODELS = {"mobilenetv2-224-random": mobilenet_v2, "resnet50-224-random": resnet50, "encoder-128-random": encoder}


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    for name, make in MODELS.items():
        make(Path(sys.argv[1]) / name)


if __name__ == "__main__":
    main()
