#!/usr/bin/python3
"""train_step.py BUILD MODEL [--batch 32] [--threads 2] [--rounds 5] [--pipeline FILE]

One training step (forward, backward, Adam) of MODEL, an ONNX convolutional network, in Halftone and in PyTorch (Debian's
python3-torch), in turn, and the ratios of their least times: by the clock, and of what processors spent on a step, which
says more where others work on the machine too (with --threads 1; threads that wait count as well). PyTorch runs the plain float network, built from the file's
structure; so does Halftone, unless a pipeline file says how it is quantized: then Halftone fake-quantizes and PyTorch does
not.
"""
import argparse
import os
import subprocess
import time

import numpy as np
import onnx
import torch
from onnx import numpy_helper


class Network(torch.nn.Module):
    """Operators of convolutional networks, one after the other."""

    def __init__(self, path):
        super().__init__()
        graph = onnx.load(path).graph
        self.values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
        self.nodes, self.folded = [], set()
        for node in graph.node:
            if node.op_type == "Constant":
                self.values[node.output[0]] = torch.from_numpy(numpy_helper.to_array(node.attribute[0].t).copy())
            else:
                self.nodes.append((node, {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}))
        self.weights = torch.nn.ParameterDict()
        for node, _ in self.nodes:
            if node.op_type in ("Conv", "Gemm"):
                for name in node.input[1:]:
                    key = name.replace(".", "_")
                    self.weights[key] = torch.nn.Parameter(self.values[name])
                    self.values[name] = key
        self.input, self.output = graph.input[0].name, graph.output[0].name

    def value(self, known, name):
        if not name:
            return None
        found = known[name] if name in known else self.values[name]
        return self.weights[found] if isinstance(found, str) else found

    def forward(self, x):
        known = {self.input: x}
        for node, attributes in self.nodes:
            inputs = [self.value(known, name) for name in node.input]
            known[node.output[0]] = run(node.op_type, inputs, attributes)
        return known[self.output]


def conv(x, a):
    pads = a.get("pads", [0, 0, 0, 0])
    assert pads[:2] == pads[2:]
    bias = x[2] if len(x) > 2 else None
    return torch.conv2d(x[0], x[1], bias, a.get("strides", [1, 1]), pads[:2], a.get("dilations", [1, 1]),
                        a.get("group", 1))


def pad(x, a):
    n = len(x[1]) // 2
    both = [(int(x[1][i]), int(x[1][i + n])) for i in reversed(range(n))]
    return torch.nn.functional.pad(x[0], [p for pair in both for p in pair])


def slices(x, a):
    axes = x[3].tolist() if len(x) > 3 else range(len(x[1]))
    steps = x[4].tolist() if len(x) > 4 else [1] * len(x[1])
    out = x[0]
    for begin, end, axis, step in zip(x[1].tolist(), x[2].tolist(), axes, steps):
        size = out.shape[axis]
        if step < 0:
            begin, end = min(begin + size if begin < 0 else begin, size - 1), -1 if end < -size else end
            index = torch.arange(begin, end, step)
        else:
            index = torch.arange(*slice(begin, end, step).indices(size))
        whole = begin == 0 and end >= size and step == 1
        out = out if whole else out[(slice(None),) * axis + (slice(begin, end, step),)] if step > 0 else \
            out.index_select(axis, index)
    return out


def run(op, x, a):
    f = torch.nn.functional
    table = {
        "Conv": lambda: conv(x, a),
        "Relu": lambda: f.relu(x[0]),
        "Clip": lambda: torch.clamp(x[0], float(x[1]), float(x[2])),
        "Add": lambda: x[0] + x[1],
        "Sub": lambda: x[0] - x[1],
        "Mul": lambda: x[0] * x[1],
        "Gemm": lambda: f.linear(x[0], x[1] if a.get("transB") else x[1].t(), x[2]),
        "GlobalAveragePool": lambda: x[0].mean(dim=(2, 3), keepdim=True),
        "AveragePool": lambda: f.avg_pool2d(x[0], a["kernel_shape"], a.get("strides", [1, 1])),
        "Flatten": lambda: torch.flatten(x[0], 1),
        "Reshape": lambda: x[0].reshape([d if d else x[0].shape[i] for i, d in enumerate(x[1].tolist())]),
        "Shape": lambda: torch.tensor(x[0].shape, dtype=torch.int64),
        "Gather": lambda: x[0].index_select(a.get("axis", 0), x[1].reshape(-1)).reshape(
            x[0].shape[:a.get("axis", 0)] + x[1].shape + x[0].shape[a.get("axis", 0) + 1:]),
        "Unsqueeze": lambda: x[0].unsqueeze(int(x[1].reshape(-1)[0])),
        "Concat": lambda: torch.cat(x, a["axis"]),
        "Transpose": lambda: x[0].permute(a["perm"]),
        "ConstantOfShape": lambda: torch.zeros(x[0].tolist(), dtype=torch.int64),
        "Cast": lambda: x[0].to(torch.float32 if a["to"] == 1 else torch.int64),
        "Pad": lambda: pad(x, a),
        "Slice": lambda: slices(x, a),
    }
    return table[op]()


def torch_step(path, batch, threads, steps):
    torch.set_num_threads(threads)
    network = Network(path)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-5)
    shape = [d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim][1:]
    x = torch.from_numpy(np.random.default_rng(1).standard_normal([batch] + shape).astype(np.float32))
    y = torch.arange(batch) % 10
    times, spent = [], []
    for _ in range(steps + 2):
        begin, spent_before = time.perf_counter(), time.process_time()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()
        times.append(1000 * (time.perf_counter() - begin))
        spent.append(1000 * (time.process_time() - spent_before))
    return min(times[2:]), min(spent[2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("model")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--pipeline")
    args = parser.parse_args()
    program = [os.path.join(args.build, "bin", "halftone_bench_train"), args.model, str(args.batch), str(args.steps),
               str(args.threads)] + ([args.pipeline] if args.pipeline else [])
    ours, theirs, spent = [], [], []
    for _ in range(args.rounds):
        out = subprocess.run(program, env=dict(os.environ, HALFTONE_BUILD_DIR=args.build), check=True,
                             stdout=subprocess.PIPE).stdout.split()
        ours.append(float(out[0]))
        by_clock, by_processors = torch_step(args.model, args.batch, args.threads, args.steps)
        theirs.append(by_clock)
        spent.append((float(out[2]), by_processors))
        print(f"halftone {ours[-1]:8.2f} ms   pytorch {theirs[-1]:8.2f} ms   ratio {theirs[-1] / ours[-1]:.2f}")
    print(f"least: halftone {min(ours):.2f} ms, pytorch {min(theirs):.2f} ms, ratio {min(theirs) / min(ours):.2f}")
    a, b = min(s[0] for s in spent), min(s[1] for s in spent)
    print(f"least time of processors: halftone {a:.2f} ms, pytorch {b:.2f} ms, ratio {b / a:.2f}")


if __name__ == "__main__":
    main()
