#!/usr/bin/env python3
"""Quantizes a model whose weights do not fit into one ONNX file, and says how much memory that takes beside the weights.

    big_model.py --halftone BIN [--weights MIB] [--platform NAME] [--at-most RATIO] [--folder FOLDER]

Writes a network of random weights as external data, convolutions (which executors keep in a layout of their own) and matrix
products (which they read as they are) in equal parts, 3072 MiB of them unless told; the files are removed at the end. With --at-most
the exit status is 1 when the peak is more than that many times the weights. Needs the Python module numpy.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "errors"))
import make_onnx as onnx  # noqa: E402

MIB = 1 << 20
CHANNELS, FEATURES = 1024, 2048
CONV_MIB, PRODUCT_MIB = CHANNELS * CHANNELS * 9 * 4 // MIB, FEATURES * FEATURES * 4 // MIB
SAMPLES = 4


class Weights:
    """Tensors written one after the other into one file, so that no more than one is in memory."""

    def __init__(self, path):
        self.file, self.name, self.bytes = path.open("wb"), path.name, 0
        self.random = np.random.default_rng(20)
        self.tensors = []

    def add(self, name, shape, fan_in):
        values = self.random.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(2 / fan_in))
        self.tensors.append(onnx.external_tensor(name, shape, self.name, self.bytes))
        self.file.write(values.tobytes())
        self.bytes += values.nbytes
        return name


def write_model(folder, mib):
    weights = Weights(folder / "big.data")
    nodes, x = [], "image"

    def then(op, *inputs, attributes=()):
        nonlocal x
        name = f"{op.lower()}_{len(nodes)}"
        nodes.append(onnx.node(op, [x, *inputs], [name], name, attributes=attributes))
        x = name

    for i in range(max(1, round(mib / 2 / CONV_MIB))):
        then("Conv", weights.add(f"conv{i}.weight", (CHANNELS, CHANNELS, 3, 3), CHANNELS * 9),
             attributes=[onnx.ints_attribute("pads", [1] * 4)])
        then("Relu")
    then("GlobalAveragePool")
    then("Flatten")
    for i in range(max(1, round(mib / 2 / PRODUCT_MIB))):
        inner = CHANNELS if i == 0 else FEATURES
        then("MatMul", weights.add(f"product{i}.weight", (inner, FEATURES), inner))
        then("Relu")
    weights.file.close()
    (folder / "big.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("image", ["N", CHANNELS, 4, 4])], [onnx.value_info(x, ["N", FEATURES])], weights.tensors, opset=17))
    (folder / "samples").mkdir()
    for i in range(SAMPLES):
        np.save(folder / "samples" / f"{i}.npy", weights.random.standard_normal((CHANNELS, 4, 4), dtype=np.float32))
    return weights.bytes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", type=Path, required=True)
    parser.add_argument("--weights", type=int, default=3072, help="MiB")
    parser.add_argument("--platform", default="onnxruntime-int8")
    parser.add_argument("--at-most", type=float, help="of the weights")
    parser.add_argument("--folder", type=Path, help="where there is room for the files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        weights = write_model(folder, options.weights)
        done = subprocess.run([options.halftone.resolve(), "quantize", "big.onnx", "-p", options.platform, "--calibration", "samples",
                               "-o", "out.onnx", "--json", "figures.json", "-q"], cwd=folder, check=False)
        if done.returncode != 0:
            sys.exit(f"halftone: exit status {done.returncode}")
        figures = json.loads((folder / "figures.json").read_text())
    peak = figures["peak_memory_bytes"]
    print(f"{'weights':<12}{weights / MIB:10.0f} MiB")
    print(f"{'peak memory':<12}{peak / MIB:10.0f} MiB, {(peak - weights) / MIB:+.0f} MiB, {peak / weights:.2f} x")
    print(f"{'files':<12}{figures['float_bytes'] / MIB:10.0f} -> {figures['quantized_bytes'] / MIB:.0f} MiB")
    print(f"{'time':<12}{figures['seconds']:10.1f} s")
    if options.at_most and peak > options.at_most * weights:
        sys.exit(f"the peak is above {options.at_most} x the weights")


if __name__ == "__main__":
    main()
