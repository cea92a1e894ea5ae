"""Writes values.json: weights after each of several steps of PyTorch's optimizers, rates of its schedules, and a clipped
gradient.

Needs PyTorch (Debian's python3-torch); the tests that read the file do not. Usage: make_values.py FILE
"""
import json
import sys

import torch

STEPS, COUNT = 7, 11


def numbers(tensor):
    return [v.item() for v in tensor.detach().reshape(-1)]


def optimizer(name, make, options, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(COUNT, generator=generator).requires_grad_()
    optimizer = make(weights)
    row = {"name": name, "options": options, "rate": optimizer.param_groups[0]["lr"], "start": numbers(weights),
           "gradients": [], "weights": []}
    for step in range(STEPS):
        weights.grad = torch.randn(COUNT, generator=generator) * (0.0 if step == 3 else 1.0)
        row["gradients"].append(numbers(weights.grad))
        optimizer.step()
        row["weights"].append(numbers(weights))
    return row


def sgd(name, seed, **options):
    known = {"kind": 1, "momentum": options.get("momentum", 0.0), "nesterov": float(options.get("nesterov", False)),
             "weight_decay": options.get("weight_decay", 0.0)}
    return optimizer(name, lambda w: torch.optim.SGD([w], lr=0.05, **options), known, seed)


def adam(name, seed, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    known = {"kind": 2, "beta1": betas[0], "beta2": betas[1], "epsilon": eps, "weight_decay": weight_decay}
    return optimizer(name, lambda w: torch.optim.Adam([w], lr=0.01, betas=betas, eps=eps, weight_decay=weight_decay),
                     known, seed)


def rates(make, steps):
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    schedule = make(optimizer)
    out = []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return out


def clipped(limit):
    generator = torch.Generator().manual_seed(99)
    tensors = [torch.zeros(n, requires_grad=True) for n in (5, 40)]
    for tensor in tensors:
        tensor.grad = torch.randn(tensor.shape, generator=generator)
    before = [numbers(tensor.grad) for tensor in tensors]
    norm = torch.nn.utils.clip_grad_norm_(tensors, limit).item()
    return {"limit": limit, "before": before, "norm": norm, "after": [numbers(tensor.grad) for tensor in tensors]}


def main():
    schedules = torch.optim.lr_scheduler
    values = {
        "torch": torch.__version__,
        "optimizers": [
            sgd("plain descent", 1),
            sgd("momentum", 2, momentum=0.9),
            sgd("momentum and decay", 3, momentum=0.75, weight_decay=0.125),
            sgd("nesterov", 4, momentum=0.9, nesterov=True),
            sgd("nesterov and decay", 5, momentum=0.5, nesterov=True, weight_decay=0.25),
            adam("adam", 6),
            adam("adam, other factors", 7, betas=(0.5, 0.75), eps=1e-3),
            adam("adam and decay", 8, weight_decay=0.125),
        ],
        "schedules": {
            "step": rates(lambda o: schedules.StepLR(o, step_size=4, gamma=0.5), 13),
            "cosine": rates(lambda o: schedules.CosineAnnealingLR(o, T_max=12, eta_min=0.01), 12),
            "cosine after warm-up": rates(lambda o: schedules.SequentialLR(o, [
                schedules.LinearLR(o, start_factor=0.2, total_iters=4),
                schedules.CosineAnnealingLR(o, T_max=8)], milestones=[4]), 12),
        },
        "clipped": [clipped(1.0), clipped(100.0)],
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(values, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
