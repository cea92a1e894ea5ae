"""Writes values/torch.json: what PyTorch's fake quantization kernels and their gradients give.

Needs PyTorch (Debian's python3-torch); the test that reads the file does not. Usage: make_torch_values.py FILE
"""
import json
import sys

import torch


def numbers(tensor):
    return [float(v) for v in tensor.detach().reshape(-1)]


def tensors(shape, seed, size):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator) * size
    dy = torch.randn(shape, generator=generator)
    return x.requires_grad_(), dy


def case(name, method, bounds, grid, x, dy, y, grouping, scales, offsets, symmetric):
    return {
        "name": name, "method": method, "parameters": bounds, "quant_min": grid[0], "quant_max": grid[1],
        "symmetric": symmetric, "is_weight": False, "grouping": grouping, "scales": numbers(scales),
        "zero_points": numbers(offsets), "x": numbers(x), "dy": numbers(dy), "y": numbers(y), "dx": numbers(x.grad),
    }


def fixed(name, grid, scale, zero, seed):
    x, dy = tensors((7, 11), seed, 1.0)
    y = torch.fake_quantize_per_tensor_affine(x, scale, zero, *grid)
    y.backward(dy)
    return case(name, "fixed", {}, grid, x, dy, y, [1, 1, 77], torch.tensor([scale]), torch.tensor([float(zero)]), False)


def fixed_channels(name, grid, seed):
    x, dy = tensors((3, 5, 4), seed, 1.0)
    scales, zeros = torch.rand(5, generator=torch.Generator().manual_seed(seed)) * 0.1 + 0.01, torch.tensor([0, 1, 2, 3, 4])
    y = torch.fake_quantize_per_channel_affine(x, scales, zeros.int(), 1, *grid)
    y.backward(dy)
    return case(name, "fixed", {}, grid, x, dy, y, [3, 5, 4], scales, zeros.float(), False)


def learned(name, grid, scale, zero, seed):
    x, dy = tensors((9, 13), seed, 1.0)
    scales = torch.tensor([scale], requires_grad=True)
    offsets = torch.tensor([zero], requires_grad=True)
    factor = 1.0 / (x.numel() * grid[1]) ** 0.5
    y = torch._fake_quantize_learnable_per_tensor_affine(x, scales, offsets, *grid, factor)
    y.backward(dy)
    symmetric = zero == 0.0
    row = case(name, "lsq" if symmetric else "lsq-plus", {"bounds": "code"}, grid, x, dy, y, [1, 1, 117], scales, offsets,
               symmetric)
    return row | {"per_scale": 117, "scales_gradient": numbers(scales.grad),
                  "offsets_gradient": [] if symmetric else numbers(offsets.grad)}


def learned_channels(name, grid, shape, axis, grouping, zero, seed):
    x, dy = tensors(shape, seed, 1.0)
    count = shape[axis]
    generator = torch.Generator().manual_seed(seed + 1)
    scales = (torch.rand(count, generator=generator) * 0.2 + 0.02).requires_grad_()
    offsets = (torch.rand(count, generator=generator) * zero).requires_grad_()
    per_scale = x.numel() // count
    factor = 1.0 / (per_scale * grid[1]) ** 0.5
    y = torch._fake_quantize_learnable_per_channel_affine(x, scales, offsets, axis, *grid, factor)
    y.backward(dy)
    symmetric = zero == 0
    row = case(name, "lsq" if symmetric else "lsq-plus", {"bounds": "code"}, grid, x, dy, y, grouping, scales, offsets,
               symmetric)
    return row | {"per_scale": per_scale, "scales_gradient": numbers(scales.grad),
                  "offsets_gradient": [] if symmetric else numbers(offsets.grad)}


def main():
    rows = [
        fixed("fixed, 8 bits signed", (-128, 127), 0.02, 0, 1),
        fixed("fixed, 4 bits unsigned with a zero point", (0, 15), 0.17, 6, 2),
        fixed_channels("fixed, 8 bits per channel", (0, 255), 3),
        learned("learnable, 4 bits signed", (-8, 7), 0.15, 0.0, 4),
        learned("learnable, 8 bits unsigned with an offset", (0, 255), 0.012, 101.3, 5),
        learned_channels("learnable per channel, weight of a convolution", (-8, 7), (4, 3, 3, 3), 0, [1, 4, 27], 0, 6),
        learned_channels("learnable per channel, short runs", (0, 15), (6, 5, 2), 1, [6, 5, 2], 14, 7),
        learned_channels("learnable per channel, channels last", (-8, 7), (12, 21), 1, [12, 21, 1], 0, 8),
        learned_channels("learnable per channel, rows of channels", (0, 255), (2, 3, 37), 1, [2, 3, 37], 200, 9),
    ]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"torch": torch.__version__, "cases": rows}, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
