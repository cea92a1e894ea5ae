"""Writes what every folder of `halftone new` is tested with into sdk/template/test: a small network, samples, and what the
network gives for them, computed here with numpy; and for kernels and gradients, in op-kernels/test and op-gradients/test, an operator of its own.

Weights are small whole numbers and samples are eighths, so that each sum is exact in float32 and the outputs are the same
bits in any order of summation. Sample i (from 0) reaches from -(i + 1) to i + 1."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SAMPLES = 8
KERNELS = np.array([[[[0, 1, 0], [1, 2, 1], [0, 1, 0]]], [[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]], np.float32)
BIAS = np.array([1, -1], np.float32)
CLASSES = np.array([[1, -2], [3, 1], [-1, 2]], np.float32)


def samples():
    steps = np.concatenate([np.arange(-8, 0), np.arange(1, 9)]).reshape(1, 4, 4) / 8
    return np.stack([steps * (i + 1) for i in range(SAMPLES)]).astype(np.float32)


def outputs(x):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))[:, 0]
    maps = np.zeros((len(x), 2, 4, 4))
    for channel, kernel in enumerate(KERNELS[:, 0]):
        for dy in range(3):
            for dx in range(3):
                maps[:, channel] += kernel[dy, dx] * padded[:, dy:dy + 4, dx:dx + 4]
        maps[:, channel] += BIAS[channel]
    return (np.maximum(maps, 0).mean(axis=(2, 3)) @ CLASSES.T).astype(np.float32)


def model():
    nodes = [helper.make_node("Conv", ["x", "kernels", "bias"], ["convolved"], name="convolve", pads=[1, 1, 1, 1]),
             helper.make_node("Relu", ["convolved"], ["rectified"], name="rectify"),
             helper.make_node("GlobalAveragePool", ["rectified"], ["pooled"], name="pool"),
             helper.make_node("Flatten", ["pooled"], ["features"], name="flatten"),
             helper.make_node("Gemm", ["features", "classes"], ["y"], name="classify", transB=1)]
    graph = helper.make_graph(nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 4, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
                              [numpy_helper.from_array(KERNELS, "kernels"), numpy_helper.from_array(BIAS, "bias"),
                               numpy_helper.from_array(CLASSES, "classes")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="halftone")
    made.ir_version = 7
    onnx.checker.check_model(made)
    return made


def operator():
    """The operator alone, and its outputs."""
    node = helper.make_node("SlopedRelu", ["x"], ["y"], name="sloped", domain="example.device", slope=0.25)
    graph = helper.make_graph([node], "operator", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 4, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 1, 4, 4])])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("example.device", 1)],
                             producer_name="halftone")
    made.ir_version = 7
    x = samples()
    return made, np.where(x >= 0, x, np.float32(0.25) * x)


def main(templates):
    folder = templates / "test"
    folder.mkdir(parents=True, exist_ok=True)
    alone, y = operator()
    for kind in ("op-kernels", "op-gradients"):
        own = templates / kind / "test"
        own.mkdir(parents=True, exist_ok=True)
        onnx.save(alone, str(own / "operator.onnx"))
        (own / "operator.raw").write_bytes(y.astype("<f4").tobytes())
    x = samples()
    onnx.save(model(), str(folder / "model.onnx"))
    np.save(folder / "samples.npy", x)
    (folder / "outputs.raw").write_bytes(outputs(x).astype("<f4").tobytes())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
