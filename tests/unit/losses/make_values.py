"""Writes values.json: losses and their gradients as PyTorch gives them.

Needs PyTorch (Debian's python3-torch); the test that reads the file does not. Usage: make_values.py FILE
"""
import json
import sys

import torch
import torch.nn.functional as F

MSE, POWER, CROSS_ENTROPY, KL = 1, 2, 3, 4


def numbers(tensor):
    return [v.item() for v in tensor.detach().reshape(-1)]


def classes_to_axis_1(tensor, axes, rank):
    """A view with all axes of classes as axis 1 and the positions after it."""
    own = [a for a in range(rank) if axes >> a & 1] if axes else [1]
    others = [a for a in range(1, rank) if a not in own]
    moved = tensor.permute([0] + own + others)
    return moved.reshape([tensor.shape[0], -1] + [tensor.shape[a] for a in others])


def case(name, kind, shape, seed, parameter=0.0, axes=0, weight=1.0):
    generator = torch.Generator().manual_seed(seed)
    output = torch.randn(shape, generator=generator).requires_grad_()
    target = torch.randn(shape, generator=generator)
    logits = classes_to_axis_1(output, axes, len(shape)) if len(shape) > 1 else output.reshape(-1, 1)
    if kind == MSE:
        loss = F.mse_loss(output, target)
    elif kind == POWER:
        other = classes_to_axis_1(target, axes, len(shape)) if len(shape) > 1 else target.reshape(-1, 1)
        loss = (logits - other).abs().pow(parameter).sum(1).mean()
    elif kind == CROSS_ENTROPY:
        positions = [logits.shape[0]] + list(logits.shape[2:])
        target = torch.randint(0, logits.shape[1], positions, generator=generator)
        loss = F.cross_entropy(logits, target)
    else:
        teacher = classes_to_axis_1(target, axes, len(shape))
        divergence = F.kl_div(F.log_softmax(logits / parameter, 1), F.softmax(teacher / parameter, 1), reduction="none")
        loss = divergence.sum(1).mean() * parameter ** 2
    loss = loss * weight
    loss.backward()
    return {"name": name, "kind": kind, "parameter": parameter, "axes": axes, "weight": weight, "shape": shape,
            "output": numbers(output), "target": numbers(target), "loss": loss.item(), "gradient": numbers(output.grad)}


def main():
    rows = [
        case("squared error of pictures", MSE, [4, 3, 5, 5], 1),
        case("squared error of a vector, weighted", MSE, [6], 2, weight=0.25),
        case("power 2", POWER, [4, 8, 3, 3], 3, parameter=2.0),
        case("power 2.4", POWER, [6, 7], 4, parameter=2.4000000953674316),
        case("power 1 without axis 1", POWER, [10], 5, parameter=1.0),
        case("power 3, classes along the last axis", POWER, [4, 5, 6], 6, parameter=3.0, axes=4),
        case("cross-entropy", CROSS_ENTROPY, [8, 10], 7),
        case("cross-entropy of positions", CROSS_ENTROPY, [4, 5, 3, 2], 8, weight=3.0),
        case("cross-entropy, classes along the last axis", CROSS_ENTROPY, [4, 6, 9], 9, axes=4),
        case("cross-entropy, classes along two axes", CROSS_ENTROPY, [4, 3, 4, 5], 10, axes=12),
        case("divergence", KL, [8, 10], 11, parameter=1.0),
        case("divergence at temperature 4, of positions", KL, [4, 7, 3], 12, parameter=4.0),
        case("divergence at temperature 0.5, classes last", KL, [4, 3, 7], 13, parameter=0.5, axes=4, weight=0.5),
    ]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"torch": torch.__version__, "cases": rows}, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
