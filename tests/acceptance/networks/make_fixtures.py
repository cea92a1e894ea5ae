"""Small networks with PyTorch's losses, gradients and parameters after some steps, which the test `train_networks` reads.

Run with Debian's python3-torch: /usr/bin/python3 tests/acceptance/networks/make_fixtures.py
Writes NAME.onnx as PyTorch exports it, parameters under their names, and NAME.json. All is computed in float64. Values that
lie at the bend of an activation have no derivative to compare; the seeds were not chosen to avoid any.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

FOLDER = pathlib.Path(__file__).parent
STEPS = 5


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.down, self.c, self.d = nn.Conv2d(6, 8, 1, stride=2), nn.Conv2d(6, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = F.relu(x + self.b(F.relu(self.a(x))))
        x = F.relu(self.down(x) + self.d(F.relu(self.c(x))))
        return self.head(F.max_pool2d(x, 2).mean((2, 3)))


class Mobile(nn.Module):
    """An inverted residual with a depthwise convolution and squeeze and excitation."""

    def __init__(self):
        super().__init__()
        self.stem, self.expand = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 12, 1)
        self.depthwise = nn.Conv2d(12, 12, 5, padding=2, groups=12)
        self.squeeze, self.excite, self.project = nn.Conv2d(12, 3, 1), nn.Conv2d(3, 12, 1), nn.Conv2d(12, 4, 1, bias=False)
        self.head = nn.Linear(4, 6)

    def forward(self, x):
        x = F.relu6(self.stem(x))
        y = F.hardswish(self.depthwise(F.relu6(self.expand(x))))
        y = y * F.hardsigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        return self.head((x + self.project(y)).mean((2, 3)))


class Encoder(nn.Module):
    """One layer of a transformer, normalized in front, over 5 tokens of 8 numbers."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
        self.up, self.down, self.head = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 4)
        self.first, self.second = nn.LayerNorm(8), nn.LayerNorm(8)
        for norm in (self.first, self.second):  # alike, the exporter makes one of them
            nn.init.normal_(norm.weight, 1, 0.2), nn.init.normal_(norm.bias, 0, 0.2)
        self.place = nn.Parameter(torch.randn(5, 8) / 3)

    def attend(self, x):
        n = x.shape[0]
        q, k, v = (f(x).reshape(n, 5, 2, 4).transpose(1, 2) for f in (self.q, self.k, self.v))
        weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(4), -1)
        return self.o((weights @ v).transpose(1, 2).reshape(n, 5, 8))

    def forward(self, x):
        x = x + self.place
        x = x + self.attend(self.first(x))
        x = x + self.down(F.gelu(self.up(self.second(x))))
        return self.head(x.mean(1))


class Decoder(nn.Module):
    """Down and up again, by transposed convolutions in groups and with output padding."""

    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(2, 6, 3, 2, 1), nn.Conv2d(6, 8, 3, 2, 1)
        self.up = nn.ConvTranspose2d(8, 6, 3, 2, 1, output_padding=1, groups=2)
        self.out = nn.ConvTranspose2d(12, 2, 4, 2, 1)

    def forward(self, x):
        low = F.leaky_relu(self.down(x), 0.1)
        return torch.tanh(self.out(torch.cat([low, F.leaky_relu(self.up(self.deep(low)), 0.1)], 1)))


class Tokens(nn.Module):
    """An embedding and a perceptron. Tokens come as floats."""

    def __init__(self):
        super().__init__()
        self.embedding, self.hidden, self.head = nn.Embedding(9, 6), nn.Linear(24, 10), nn.Linear(10, 3)

    def forward(self, x):
        x = self.embedding(x.to(torch.int64))
        return self.head(torch.sigmoid(self.hidden(x.flatten(1))))


def images(*shape):
    return torch.randn(shape, dtype=torch.float64)


NETWORKS = {
    "residual": (Residual, lambda: images(8, 3, 8, 8), "cross-entropy", 5),
    "mobile": (Mobile, lambda: images(8, 3, 8, 8), "kl", 6),
    "encoder": (Encoder, lambda: images(8, 5, 8), "cross-entropy", 4),
    "decoder": (Decoder, lambda: images(8, 2, 8, 8), "mse", 0),
    "tokens": (Tokens, lambda: torch.randint(0, 9, (8, 4)).double(), "cross-entropy", 3),
}


def loss_of(kind, y, target):
    if kind == "cross-entropy":
        return F.cross_entropy(y, target)
    if kind == "mse":
        return F.mse_loss(y, target)
    return 4 * F.kl_div(F.log_softmax(y / 2, 1), F.softmax(target / 2, 1), reduction="batchmean")  # temperature 2


def numbers(tensor):
    return [float(f"{v:.8g}") for v in tensor.detach().double().flatten().tolist()]


def trained(start, kind, x, target, optimizer_of):
    model = start()
    optimizer = optimizer_of(model.parameters())
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(kind, model(x), target)
        loss.backward()
        optimizer.step()
    return {"loss": float(loss_of(kind, model(x), target)), "parameters": {n: numbers(p) for n, p in model.named_parameters()}}


def main():
    for salt, (name, (network, inputs, kind, classes)) in enumerate(NETWORKS.items()):
        torch.manual_seed(100 + salt)
        first, x = network().float().double(), inputs().float().double()  # what float32 holds
        target = torch.randint(0, classes, (8,)) if kind == "cross-entropy" else torch.randn_like(first(x)).float().double()
        state = {key: value.clone() for key, value in first.state_dict().items()}

        def start():
            model = network().double()
            model.load_state_dict(state)
            return model

        torch.onnx.export(start().float(), x[:2].float(), str(FOLDER / f"{name}.onnx"), opset_version=17,
                          do_constant_folding=False, input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "N"}, "y": {0: "N"}})
        model = start()
        loss = loss_of(kind, model(x), target)
        loss.backward()
        json_ = {"kind": kind, "input": {"shape": list(x.shape), "data": numbers(x)},
                 "target": target.tolist() if kind == "cross-entropy" else {"shape": list(target.shape), "data": numbers(target)},
                 "loss": float(loss), "gradients": {n: numbers(p.grad) for n, p in model.named_parameters()},
                 "sgd": trained(start, kind, x, target, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
                 "adam": trained(start, kind, x, target, lambda p: torch.optim.Adam(p, lr=0.01, eps=1e-4))}
        (FOLDER / f"{name}.json").write_text(json.dumps(json_) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
