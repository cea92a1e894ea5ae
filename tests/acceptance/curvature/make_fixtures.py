"""PyTorch's Hessians of two small networks, for the test of `second-order-sensitivity`, which reads them without PyTorch.

Run with Debian's python3-torch: /usr/bin/python3 tests/acceptance/curvature/make_fixtures.py
Of each weight's own block of the Hessian, made whole by autograd in float64: the trace and the eigenvalue of the largest
magnitude. `smooth` has second derivatives everywhere. `bent` has ReLUs, whose second derivative autograd takes for 0; that is
the Hessian of a divergence from the network's own results.
"""
import json
import pathlib

import numpy
import torch
import torch.nn.functional as F

SHAPES = {"c1.w": (4, 2, 3, 3), "c1.b": (4,), "c2.w": (5, 4, 3, 3), "c2.b": (5,), "fc.w": (5, 3), "fc.b": (3,)}
WEIGHTS = ("c1.w", "c2.w", "fc.w")


def forward(x, w, bend):
    x = bend(F.conv2d(x, w["c1.w"], w["c1.b"], padding=1))
    x = bend(F.conv2d(x, w["c2.w"], w["c2.b"]))
    return x.mean((2, 3)) @ w["fc.w"] + w["fc.b"]


def loss_of(kind, y, start, labels):
    if kind == "cross-entropy":
        return F.cross_entropy(y, labels)
    if kind == "kl":
        return F.kl_div(F.log_softmax(y, 1), F.softmax(start, 1), reduction="batchmean")
    return F.mse_loss(y, start)


def curvature(net, kind, bend):
    w = {name: torch.tensor(values, dtype=torch.float64).reshape(SHAPES[name]) for name, values in net["weights"].items()}
    x = torch.tensor(net["data"], dtype=torch.float64).reshape(-1, 2, 6, 6)
    labels = torch.tensor(net["labels"])
    start = forward(x, w, bend)
    found = {}
    for name in WEIGHTS:
        hessian = torch.autograd.functional.hessian(
            lambda value: loss_of(kind, forward(x, {**w, name: value}, bend), start, labels), w[name])
        n = w[name].numel()
        hessian = hessian.reshape(n, n)
        values = torch.linalg.eigvalsh(hessian)
        found[name] = {"trace": float(hessian.trace()), "eigenvalue": float(values[values.abs().argmax()])}
    return found


def main():
    fixtures = {}
    for salt, (name, bend, kinds) in enumerate((("smooth", torch.tanh, ("cross-entropy", "kl", "mse")),
                                                ("bent", torch.relu, ("kl", "mse")))):
        random = numpy.random.default_rng(40 + salt)
        floats = lambda shape, scale: [round(float(v), 4) for v in (random.standard_normal(shape) * scale).ravel()]  # noqa: E731
        net = {"weights": {key: floats(shape, 1.5 / numpy.sqrt(max(1, numpy.prod(shape[1:])))) for key, shape in SHAPES.items()},
               "data": floats((12, 2, 6, 6), 1.0), "labels": [int(v) for v in random.integers(0, 3, 12)]}
        net["curvature"] = {kind: curvature(net, kind, bend) for kind in kinds}
        fixtures[name] = net
    path = pathlib.Path(__file__).parent / "hessians.json"
    path.write_text(json.dumps(fixtures) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
