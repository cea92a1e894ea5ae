#!/usr/bin/python3
"""Memory and time of block-by-block reconstruction against the number of blocks.

    reconstruction.py --halftone BIN [--blocks 5 10 20 40] [--samples 256] [--steps 20] [--batch 16] [--threads N] [--memory MIB]

Makes networks of residual blocks that are all alike, and quantizes each with and without `blockwise-reconstruction` on made
samples. Prints the peak resident memory of both runs, the bytes of one block's data (for all samples: its input in the quantized
network, its output in the float and in the quantized one), and

    bound   peak / (2 * calibration + one block's data), to be at most 1
    time    of the pass alone, per block

Needs numpy and Python's onnx, as Debian has them.
"""
import argparse
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BEFORE = "fold-batch-norm, assign-configs, quantize-fusion, quantize-simplify, parameter-quantize, runtime-calibration"
BEHIND = "passive-parameter-quantize, parameter-baking"


def network(path, blocks, channels, size):
    """A convolution, residual blocks of two, and a classifier."""
    rng = np.random.default_rng(5)
    nodes, weights = [], []

    def weight(name, shape):
        fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 1
        values = rng.standard_normal(shape) * np.sqrt(1.4 / fan_in) if len(shape) > 1 else rng.standard_normal(shape) * 0.05
        weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(name, x, inputs):
        nodes.append(helper.make_node("Conv", [x, weight(f"{name}.w", (channels, inputs, 3, 3)), weight(f"{name}.b", (channels,))],
                                      [name], name=name, pads=[1, 1, 1, 1], kernel_shape=[3, 3]))
        return name

    def node(kind, name, *inputs, **attributes):
        nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    x = node("Relu", "stem.relu", conv("stem", "x", 3))
    for b in range(blocks):
        inner = node("Relu", f"b{b}.relu1", conv(f"b{b}.conv1", x, channels))
        x = node("Relu", f"b{b}.relu2", node("Add", f"b{b}.sum", conv(f"b{b}.conv2", inner, channels), x))
    x = node("Flatten", "flat", node("GlobalAveragePool", "pool", x))
    node("Gemm", "y", x, weight("fc.w", (10, channels)), weight("fc.b", (10,)), transB=1)
    graph = helper.make_graph(nodes, "blocks", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, size, size])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 10])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def run(options, folder, training):
    """Peak resident MiB, seconds of the run, and seconds and blocks of the pass."""
    (folder / "p.yaml").write_text(f"""halftone: 1
model: model.onnx
platform: onnxruntime-int8
calibration: {{path: x.npy{f", threads: {options.threads}" if options.threads else ""}}}
passes: [{BEFORE}, {training}{BEHIND}]
export: [{{path: out.onnx}}]
""")
    start = time.perf_counter()
    process = subprocess.Popen([options.halftone.resolve(), "run", "p.yaml"], cwd=folder, stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)
    text = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(text)
    of_pass = re.search(r"blockwise-reconstruction: .*\((\d+\.\d+) s\)", text)
    trained = re.search(r"(\d+) of (\d+) blocks", text)
    return usage.ru_maxrss / 1024, seconds, float(of_pass[1]) if of_pass else 0.0, int(trained[2]) if trained else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--blocks", type=int, nargs="+", default=[5, 10, 20, 40])
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--memory", type=int, help="of the pass, in MiB")
    options = parser.parse_args()
    settings = f"steps: {options.steps}, batch: {options.batch}" + (f", memory: {options.memory}" if options.memory else "")
    data = 3 * options.samples * options.channels * options.size ** 2 * 4 / 2 ** 20
    print(f"one block's data: {data:.1f} MiB")
    print(f"{'blocks':>6} {'calibration':>12} {'peak':>9} {'bound':>6} {'pass':>8} {'blocks trained':>15} {'per block':>10}")
    for blocks in options.blocks:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            network(folder / "model.onnx", blocks, options.channels, options.size)
            rng = np.random.default_rng(7)
            np.save(folder / "x.npy", rng.standard_normal((options.samples, 3, options.size, options.size)).astype(np.float32))
            calibration, *_ = run(options, folder, "")
            peak, _, seconds, trained = run(options, folder, f"blockwise-reconstruction: {{{settings}}}, ")
            print(f"{blocks:>6} {calibration:>8.1f} MiB {peak:>5.1f} MiB {peak / (2 * calibration + data):>6.2f} {seconds:>6.2f} s "
                  f"{trained:>15} {seconds / max(trained, 1):>8.3f} s", flush=True)


if __name__ == "__main__":
    main()
