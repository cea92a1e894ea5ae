"""PyTorch's gradients of ONNX's operators, as text that the test `pytorch_gradients` reads without PyTorch.

Run with Debian's python3-torch: /usr/bin/python3 tests/acceptance/gradients/make_fixtures.py
Inputs are numbers by a formula (noise() here and in tests/unit/gradients/op_case.cpp give the same), or written out where
the point lies in the very value: at bends, ties and zeros. Gradients are computed in float64 and written as float32.
"""
import pathlib

import numpy
import torch
import torch.nn.functional as F

import cases

FOLDER = pathlib.Path(__file__).parent
MASK = (1 << 64) - 1


def noise(shape, salt, low=-1.0, high=1.0):
    values = []
    for at in range(int(numpy.prod(shape, dtype=int))):
        x = ((at + 1) * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) & MASK
        x ^= x >> 29
        x = (x * 0xBF58476D1CE4E5B9) & MASK
        x ^= x >> 32
        hashed = (x >> 11) * 2.0 ** -52 - 1.0
        values.append(low + (high - low) * (hashed + 1) / 2)
    return numpy.array(values, dtype=numpy.float32).reshape(shape)


def dims(shape):
    return " ".join(str(v) for v in (len(shape), *shape))


def numbers(values):
    return " ".join(f"{v:.9g}" for v in values)


def attribute(name, value):
    if isinstance(value, str):
        return f"attribute {name} text {value}"
    if isinstance(value, float):
        return f"attribute {name} float {value:.9g}"
    if isinstance(value, int):
        return f"attribute {name} int {value}"
    return f"attribute {name} ints {dims(value)}"


def tensor_of(spec):
    """The input as PyTorch has it, and its line."""
    kind = spec[0]
    if kind == "noise":
        _, shape, salt, low, high = spec
        line = f"input noise {salt} {low:.9g} {high:.9g} {dims(shape)}"
        return torch.tensor(noise(shape, salt, low, high).astype(numpy.float64), requires_grad=True), line
    if kind == "floats":
        values = numpy.array(spec[1], dtype=numpy.float32)
        line = f"input floats {dims(values.shape)} {numbers(values.ravel())}"
        return torch.tensor(values.astype(numpy.float64), requires_grad=True), line
    if kind == "ints":
        values = numpy.array(spec[1], dtype=numpy.int64)
        return torch.tensor(values), f"input ints {dims(values.shape)} {' '.join(str(v) for v in values.ravel())}"
    return None, "input empty"


def text_of(case):
    lines = [f"case {case.op} {case.domain or '-'} {case.opset} {case.outputs}"]
    lines += [attribute(name, value) for name, value in sorted(case.attributes.items())]
    tensors = []
    for spec in case.inputs:
        tensor, line = tensor_of(spec)
        tensors.append(tensor)
        lines.append(line)
    results = case.function(tensors)
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    total = 0
    for k, result in enumerate(results):
        if result is not None and result.dtype == torch.float64:
            weights = noise(tuple(result.shape), 1000 + k).astype(numpy.float64)
            total = total + (result * torch.tensor(weights)).sum()
    total.backward()
    for slot, tensor in enumerate(tensors):
        if tensor is None or not tensor.requires_grad or slot in case.constant:
            continue
        gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        lines.append(f"gradient {slot} {gradient.numel()} {numbers(gradient.numpy().astype(numpy.float32).ravel())}")
    lines.append("end")
    return "\n".join(lines)


def main():
    for name, family in cases.families(torch, F).items():
        text = "\n".join(text_of(case) for case in family)
        (FOLDER / f"{name}.txt").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
