"""PyTorch's forms of layers with a folded normalization, as text that the test `train_folds` reads without PyTorch.

Run with Debian's python3-torch: /usr/bin/python3 tests/acceptance/gradients/fold_fixtures.py
Convolutions and the linear layer are the modules of torch.nn.intrinsic.qat; what has no module there (transposed
convolutions, quantized biases, embeddings) is its forward written out, and autograd's gradients. Everything is computed in
float64 and written as float32. In front of each layer is a learned product of its input, so that gradients of data are
seen; the loss is the mean squared difference from numbers by noise().
"""
import dataclasses
import pathlib

import numpy
import torch
import torch.nn.functional as F
import torch.nn.intrinsic.qat as qat

from make_fixtures import attribute, dims, noise, numbers

FILE = pathlib.Path(__file__).parent / "folds.txt"
EPSILON, MOMENTUM = 1e-3, 0.8  # ONNX's momentum: the weight of the old statistics


@dataclasses.dataclass
class Case:
    name: str
    op: str
    x: tuple
    w: tuple
    attributes: dict = dataclasses.field(default_factory=dict)
    frozen: bool = False
    relu: bool = False
    gamma: tuple = ()  # instead of noise
    steps: float = 100  # of the quantizer, for the largest folded weight of a channel; 0: not quantized
    bias_step: float = 0
    small: bool = False  # the first gamma is too small for the quantizer


CASES = [
    Case("conv1d-bn", "Conv", (5, 4, 9), (6, 4, 3), {"strides": (2,), "pads": (1, 1)}),
    Case("conv2d-bn", "Conv", (4, 4, 6, 5), (6, 2, 3, 3), {"group": 2, "strides": (2, 1), "pads": (1, 2, 1, 2)}, steps=150),
    Case("conv2d-bn-relu", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), {"pads": (1, 1, 1, 1)}, relu=True),
    Case("conv2d-bn-float", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), steps=0),
    Case("conv3d-bn", "Conv", (2, 3, 3, 4, 3), (4, 3, 2, 2, 2)),
    Case("conv3d-bn-relu", "Conv", (2, 3, 3, 4, 3), (4, 3, 2, 2, 2), relu=True),
    Case("linear-bn", "Gemm", (7, 5), (4, 5), {"transB": 1}),
    Case("linear-bn-relu-columns", "Gemm", (7, 5), (5, 4), relu=True),
    Case("linear-bn-factors", "Gemm", (7, 5), (4, 5), {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    Case("convtranspose1d-bn", "ConvTranspose", (3, 4, 5), (4, 3, 3), {"strides": (2,)}),
    Case("convtranspose2d-bn", "ConvTranspose", (3, 4, 3, 4), (4, 3, 3, 2), {"group": 2, "strides": (2, 1), "pads": (1, 0, 1, 0)}),
    Case("convtranspose2d-bn-relu", "ConvTranspose", (2, 3, 3, 3), (3, 4, 2, 2), relu=True),
    Case("convtranspose3d-bn", "ConvTranspose", (2, 2, 2, 3, 2), (2, 3, 2, 2, 2)),
    Case("conv2d-frozen-bn", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), frozen=True),
    Case("conv2d-frozen-bn-relu", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), frozen=True, relu=True),
    Case("convtranspose2d-frozen-bn-relu", "ConvTranspose", (2, 3, 3, 3), (3, 4, 2, 2), frozen=True, relu=True),
    Case("linear-frozen-bn", "Gemm", (7, 5), (4, 5), {"transB": 1}, frozen=True),
    Case("conv2d-bn-no-gamma", "Conv", (3, 4, 5, 5), (4, 4, 3, 3), gamma=(0.0, 0.7, -1e-22, 1.1), steps=0),
    Case("conv2d-bn-lost-gammas", "Conv", (3, 4, 5, 5), (4, 4, 3, 3), gamma=(0.0, 1e-25, -1e-22, 0.0)),
    Case("linear-bn-no-gamma", "Gemm", (7, 5), (4, 5), {"transB": 1}, gamma=(0.0, 0.7, 0.0, 1.1), steps=0),
    Case("convtranspose1d-bn-wiped", "ConvTranspose", (3, 4, 5), (4, 3, 3), small=True),
    Case("conv2d-bn-wiped", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), relu=True, small=True),
    Case("conv2d-bn-bias", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), bias_step=0.25),
    Case("conv2d-bn-relu-bias", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), relu=True, bias_step=0.25),
    Case("conv2d-frozen-bn-bias", "Conv", (3, 4, 5, 5), (5, 4, 3, 3), frozen=True, bias_step=0.25),
    Case("convtranspose2d-bn-bias", "ConvTranspose", (2, 3, 3, 3), (3, 4, 2, 2), bias_step=0.125),
]


def quantized(w, step):
    """Whole steps from -128 to 127, with the gradient passed straight through inside."""
    codes = torch.round(w / step)
    inside = w * ((codes >= -128) & (codes <= 127))
    return inside + (torch.clamp(codes, -128, 127) * step - inside).detach()


class Quantizer(torch.nn.Module):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def forward(self, w):
        return w if self.step is None else quantized(w, self.step)


class NoQuantizer:
    """Stands for a configuration, which modules ask for a quantizer of the weight."""

    @staticmethod
    def weight():
        return torch.nn.Identity()


def by_channel(values, rank, axis=1):
    shape = [1] * rank
    shape[axis] = -1
    return values.reshape(shape)


def layer_of(case, rank):
    """The layer as a function of data, weight and bias; where the channels of its weight lie; its groups."""
    a = case.attributes
    axes = rank - 2
    stride = a.get("strides", (1,) * axes)
    padding = a.get("pads", (0,) * (2 * axes))[:axes]
    groups = a.get("group", 1)
    if case.op == "Gemm":
        flipped = a.get("transB", 0) == 1
        alpha, beta = a.get("alpha", 1.0), a.get("beta", 1.0)
        return (lambda x, w, b: alpha * (x @ (w.T if flipped else w)) + beta * b), 0 if flipped else 1, 1
    name = ("conv" if case.op == "Conv" else "conv_transpose") + f"{axes}d"
    function = getattr(F, name)
    return (lambda x, w, b: function(x, w, b, stride=stride, padding=padding, groups=groups)), 0 if case.op == "Conv" else 1, groups


def written_out(case, t, layer, spread, step):
    """The scale-factor form; spread() lays numbers per channel over the weight."""
    rank = len(case.x)
    factor = case.attributes.get("beta", 1.0) if case.op == "Gemm" else 1.0
    deviation = torch.sqrt(t["variance"] + EPSILON)
    s = t["gamma"] / deviation
    w = t["weight"] * spread(s)
    if step is not None:
        w = quantized(w, spread(step))
    folded = ((factor * t["bias"] - t["mean"]) * s + t["beta"]) / factor
    stored = quantized(folded, case.bias_step) if case.bias_step else folded
    if case.frozen:
        return layer(t["x"], w, stored), None
    c = layer(t["x"], w, stored - folded)
    u = c / by_channel(s, rank) + by_channel(factor * t["bias"], rank)
    # Channels that quantization leaves nothing of are normalized by what is behind the weight as it is.
    kept = spread(torch.arange(len(s))).expand(w.shape)[w.detach() != 0]
    gone = by_channel(torch.tensor([c not in kept for c in range(len(s))]), rank)
    apart, plain = two_products(case, t, layer, w)
    return torch.where(gone, apart, normalized(u, t)), torch.where(gone, plain, u)


def moments(u):
    over = [i for i in range(u.dim()) if i != 1]
    return u.mean(over), u.var(over, unbiased=False)


def normalized(u, t):
    mean, variance = moments(u)
    rank = u.dim()
    y = (u - by_channel(mean, rank)) / by_channel(torch.sqrt(variance + EPSILON), rank)
    return y * by_channel(t["gamma"], rank) + by_channel(t["beta"], rank)


def of_module(case, t, step):
    """By PyTorch's module; nothing where it has none."""
    rank, a = len(case.x), case.attributes
    if case.bias_step or case.small or case.op == "ConvTranspose" or any(key in a for key in ("alpha", "beta")):
        return None
    if case.op == "Gemm":
        if not hasattr(qat, "LinearBn1d") or a.get("transB", 0) != 1 or case.gamma:
            return None
        module = qat.LinearBn1d(case.w[1], case.w[0], qconfig=NoQuantizer)
    else:
        axes = rank - 2
        kind = getattr(qat, f"ConvBn{'ReLU' if case.relu else ''}{axes}d")
        module = kind(case.w[1] * a.get("group", 1), case.w[0], case.w[2:], stride=a.get("strides", (1,) * axes),
                      padding=a.get("pads", (0,) * axes)[:axes], groups=a.get("group", 1), bias=True, qconfig=NoQuantizer)
    module = module.double()
    module.bn.eps = EPSILON
    module.bn.momentum = 0.0 if case.gamma else 1 - MOMENTUM  # the slow path takes s after the update; it has none here
    module.weight_fake_quant = Quantizer(None if step is None else by_channel(step, len(case.w), 0))
    if case.gamma:
        module._enable_slow_path_for_better_numerical_stability = True
    module.bn.running_mean, module.bn.running_var = t["mean"].clone(), t["variance"].clone()
    module.train()
    if case.frozen:
        module.freeze_bn_stats()
    named = {"weight": "weight", "bias": "bias", "gamma": "bn.weight", "beta": "bn.bias"}
    out = torch.nn.utils.stateless.functional_call(module, {theirs: t[ours] for ours, theirs in named.items()}, (t["x"],))
    return out, module.bn


def two_products(case, t, layer, w):
    """Krishnamoorthi's form with two products, for channels whose gamma is next to 0, written out."""
    rank = len(case.x)
    deviation = torch.sqrt(t["variance"] + EPSILON)
    none = torch.zeros_like(t["bias"])
    plain = layer(t["x"], t["weight"], none)
    mean, variance = moments(plain)
    now = torch.sqrt(variance + EPSILON)
    y = layer(t["x"], w, none) * by_channel(deviation / now, rank) + by_channel(t["beta"] - t["gamma"] * mean / now, rank)
    factor = case.attributes.get("beta", 1.0) if case.op == "Gemm" else 1.0
    return y, plain + by_channel(factor * t["bias"], rank)


def make(case, salt):
    rank = len(case.x)
    layer, axis, groups = layer_of(case, rank)
    channels = case.w[axis] * (groups if case.op == "ConvTranspose" else 1)
    lines = [f"case {case.name} {case.op} {int(case.frozen)} {int(case.relu)} {case.bias_step:.9g}"]
    lines += [attribute(name, value) for name, value in sorted(case.attributes.items())]
    ranges = {"data": (case.x, -1, 1), "before": ((case.x[1], case.x[1]) + (1,) * (rank - 2), -1, 1), "weight": (case.w, -1, 1),
              "bias": ((channels,), -1, 1), "gamma": ((channels,), -1.5, 1.5), "beta": ((channels,), -1, 1),
              "mean": ((channels,), -1, 1), "variance": ((channels,), 0.5, 2)}
    t = {}
    for k, (name, (shape, low, high)) in enumerate(ranges.items()):
        values = noise(shape, salt + k, low, high)
        line = f"tensor {name} noise {salt + k} {low:.9g} {high:.9g} {dims(shape)}"
        if name == "gamma" and case.gamma:
            values = numpy.array(case.gamma, dtype=numpy.float32)
            line = f"tensor gamma floats {dims(shape)} {numbers(values)}"
        if name == "gamma" and case.small:
            values[0] = 1e-3
            line = f"tensor gamma floats {dims(shape)} {numbers(values)}"
        t[name] = torch.tensor(values.astype(numpy.float64), requires_grad=name not in ("data", "mean", "variance"))
        lines.append(line)

    def spread(values):
        if case.op == "ConvTranspose" and groups > 1:
            # [C_in, C_out / groups, ...]: rows of a group belong to its own channels.
            rows = values.reshape(groups, -1).repeat_interleave(case.w[0] // groups, 0)
            return rows.reshape(rows.shape + (1,) * (len(case.w) - 2))
        return by_channel(values, len(case.w), axis)

    step = None
    if case.steps:
        # Per tensor, by the largest folded weight; transposed groups share channels of the stored weight.
        s = t["gamma"] / torch.sqrt(t["variance"] + EPSILON)
        largest = float((t["weight"] * spread(s)).abs().max().detach())
        one = numpy.float32(largest / case.steps if largest > 1e-9 else 0.01)
        step = torch.full((channels,), float(one), dtype=torch.float64)
    lines.append(f"step {0.0 if step is None else float(step[0]):.9g}")
    before = t["before"]
    t["x"] = t["data"] @ before.T if case.op == "Gemm" else getattr(F, f"conv{rank - 2}d")(t["data"], before)
    theirs = of_module(case, t, step)
    if case.gamma:
        w = t["weight"] * spread(t["gamma"] / torch.sqrt(t["variance"] + EPSILON))
        own, u = two_products(case, t, layer, w if step is None else quantized(w, spread(step)))
    else:
        own, u = written_out(case, t, layer, spread, step)
    own = torch.relu(own) if case.relu else own
    out = own
    if theirs is not None:
        out = torch.relu(theirs[0]) if case.relu and case.op == "Gemm" else theirs[0]
        assert torch.allclose(out, own, rtol=1e-9, atol=1e-12), case.name
    lines.append(f"oracle {'module' if theirs is not None else 'formula'}")
    if not case.frozen:
        mean, variance = (m.detach() for m in moments(u))
        after = [MOMENTUM * t["mean"] + (1 - MOMENTUM) * mean, MOMENTUM * t["variance"] + (1 - MOMENTUM) * variance]
        if theirs is not None and not case.gamma:
            n = u.numel() / channels  # PyTorch's running variance is of the sample, ONNX's of the population
            unbiased = MOMENTUM * t["variance"] + (1 - MOMENTUM) * variance * n / (n - 1)
            assert torch.allclose(theirs[1].running_mean, after[0]) and torch.allclose(theirs[1].running_var, unbiased), case.name
        for name, values in zip(("mean", "variance"), after):
            lines.append(f"after {name} {channels} {numbers(values.numpy().astype(numpy.float32))}")
    for name in ("before", "weight", "bias", "gamma", "beta"):
        t[name].grad = torch.zeros_like(t[name])
    return finish(lines, out, salt + 50, {name: t[name] for name in ("before", "weight", "bias", "gamma", "beta")})


def tensor(lines, name, shape, salt, low=-1, high=1):
    values = noise(shape, salt, low, high).astype(numpy.float64)
    lines.append(f"tensor {name} noise {salt} {low:.9g} {high:.9g} {dims(shape)}")
    return torch.tensor(values, requires_grad=name not in ("data", "mean", "variance"))


def finish(lines, out, salt, learned):
    target = torch.tensor(noise(tuple(out.shape), salt).astype(numpy.float64))
    ((out - target) ** 2).mean().backward()
    lines += [f"target {salt}", f"output {dims(tuple(out.shape))} {numbers(out.detach().numpy().astype(numpy.float32).ravel())}"]
    for name, values in learned.items():
        lines.append(f"gradient {name} {values.numel()} {numbers(values.grad.numpy().astype(numpy.float32).ravel())}")
    return "\n".join([*lines, "end"])


def embedding(salt):
    """Rows of a quantized table, one of them twice, times the data."""
    lines = ["case embedding Gather 0 0 0", "oracle module"]
    data, table = tensor(lines, "data", (3, 4, 5), salt), tensor(lines, "weight", (6, 5), salt + 1)
    module = torch.nn.Embedding.from_pretrained(quantized(table, 0.0078125), freeze=False)
    lines.append("step 0.0078125")
    rows = torch.tensor([4, 1, 4, 0])
    lines.append("rows 4 4 1 4 0")
    found = F.embedding(rows, quantized(table, 0.0078125))
    assert torch.equal(found, module(rows))
    return finish(lines, data * found, salt + 50, {"weight": table})


def norm(salt, relu, shape):
    """A BatchNormalization of its own, by the batch."""
    lines = [f"case bn{len(shape) - 2}d{'-relu' if relu else ''} BatchNormalization 0 {int(relu)} 0", "oracle module", "step 0"]
    data, before = tensor(lines, "data", shape, salt), tensor(lines, "before", (shape[1],) * 2 + (1,) * (len(shape) - 2), salt + 1)
    gamma, beta = tensor(lines, "gamma", shape[1:2], salt + 2, -1.5, 1.5), tensor(lines, "beta", shape[1:2], salt + 3)
    mean, variance = tensor(lines, "mean", shape[1:2], salt + 4), tensor(lines, "variance", shape[1:2], salt + 5, 0.5, 2)
    x = data @ before.T if len(shape) == 2 else getattr(F, f"conv{len(shape) - 2}d")(data, before)
    running = (mean.clone(), variance.clone())
    out = F.batch_norm(x, *running, gamma, beta, True, 1 - MOMENTUM, EPSILON)
    n = x.numel() / shape[1]
    population = MOMENTUM * variance + (running[1] - MOMENTUM * variance) * (n - 1) / n
    for name, values in (("mean", running[0]), ("variance", population)):
        lines.append(f"after {name} {shape[1]} {numbers(values.detach().numpy().astype(numpy.float32))}")
    return finish(lines, torch.relu(out) if relu else out, salt + 50, {"before": before, "gamma": gamma, "beta": beta})


def main():
    parts = [make(case, 7000 + 100 * k) for k, case in enumerate(CASES)]
    parts.append(embedding(9700))
    parts += [norm(9800, False, (6, 4)), norm(9900, True, (3, 4, 5, 4)), norm(10000, True, (2, 3, 3, 2, 4))]
    FILE.write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
