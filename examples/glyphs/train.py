#!/usr/bin/python3
"""Trains the example classifier and writes the model and its data files.

Needs only Debian 12 packages; see README.md. Run it without arguments to make
everything next to this script again.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional as F

import render

CALIB_COUNT = 128
TEST_COUNT = 500
OPSET = 13


def conv_bn(c_in, c_out, kernel=3, stride=1, depthwise=False):
    groups = c_in if depthwise else 1
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(c_out))


def swish(x):
    # Spelled out, because opset 13 has no operator for it.
    return x * torch.sigmoid(x)


def relu6(x):
    # The same as torch's own relu6, which would be exported as Relu and Clip.
    return F.hardtanh(x, 0.0, 6.0)


class GlyphNet(nn.Module):
    """A small MobileNet-like net that has most of the usual building blocks."""

    def __init__(self, classes):
        super().__init__()
        self.stem = conv_bn(3, 16)
        self.dw1 = conv_bn(16, 16, depthwise=True)
        self.pw1 = conv_bn(16, 32, kernel=1)

        self.expand2 = conv_bn(32, 96, kernel=1)
        self.dw2 = conv_bn(96, 96, depthwise=True)
        self.project2 = conv_bn(96, 32, kernel=1)

        self.down3 = conv_bn(32, 32, stride=2, depthwise=True)
        self.fuse3 = conv_bn(64, 48, kernel=1)

        self.expand4 = conv_bn(48, 96, kernel=1)
        self.dw4 = conv_bn(96, 96, depthwise=True)
        self.project4 = conv_bn(96, 48, kernel=1)

        self.head = conv_bn(48, 128, kernel=1)
        self.classifier = nn.Linear(128, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x)), 2)
        x = F.relu(self.dw1(x))
        x = F.relu(self.pw1(x))

        y = F.relu(self.expand2(x))
        y = F.relu(self.dw2(y))
        x = x + self.project2(y)

        x = torch.cat([F.relu(self.down3(x)), F.max_pool2d(x, 2)], dim=1)
        x = relu6(self.fuse3(x))

        y = swish(self.expand4(x))
        y = swish(self.dw4(y))
        x = x + self.project4(y)

        x = relu6(self.head(x))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.classifier(torch.flatten(x, 1))


def widen(before, depthwise, after, spread, rng):
    """Spreads the channel ranges around a depthwise layer; same function.

    Multiplying a channel by a positive factor before a ReLU or max pooling and
    dividing by it afterwards changes nothing in float. Channel c of the folded
    depthwise weights ends up multiplied by spread**u, with u evenly spaced over
    0..1 in random order; half of that (in logarithms) is undone in the layer
    before and half in the layer after. Trained depthwise networks are known to
    have such uneven ranges; a net as small as this one gets fewer by itself.
    """
    channels = depthwise[0].weight.shape[0]
    steps = rng.permutation(channels) / (channels - 1)
    half = torch.from_numpy(spread ** (steps / 2)).float()
    with torch.no_grad():
        before[1].weight /= half
        before[1].bias /= half
        # The batch norm's running statistics stay right, because the input of
        # the convolution shrinks as much as its weights grow.
        depthwise[0].weight *= half[:, None, None, None]
        depthwise[1].weight *= half
        depthwise[1].bias *= half
        after[0].weight /= half[None, :, None, None]


def to_tensor(images, mean, std):
    x = torch.from_numpy(images.astype(np.float32)) / 255
    return ((x - torch.tensor(mean)) / torch.tensor(std)).permute(0, 3, 1, 2).contiguous()


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        hits = sum(int((model(xb).argmax(1) == yb).sum())
                   for xb, yb in zip(x.split(250), y.split(250)))
    return hits / len(y)


def train(model, x, y, epochs, batch):
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    steps = epochs * (len(y) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(y))
        total, started = 0.0, time.monotonic()
        for begin in range(0, len(y) - batch + 1, batch):
            pick = order[begin:begin + batch]
            loss = F.cross_entropy(model(x[pick]), y[pick])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss)
        print(f"epoch {epoch + 1:2d}/{epochs}  loss {total / (len(y) // batch):.4f}  "
              f"{time.monotonic() - started:.0f} s", flush=True)


def export(model, path):
    model.eval()
    example = torch.zeros(1, 3, render.SIZE, render.SIZE)
    # PRESERVE keeps the exporter from folding the BatchNormalization nodes
    # away; they are in inference mode because the model is.
    torch.onnx.export(model, example, str(path), opset_version=OPSET,
                      training=torch.onnx.TrainingMode.PRESERVE,
                      do_constant_folding=False,
                      input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}})
    proto = onnx.load(str(path))
    onnx.checker.check_model(proto, full_check=True)
    batch_norms = [n for n in proto.graph.node if n.op_type == "BatchNormalization"]
    if not batch_norms or any(len(n.output) != 1 for n in batch_norms):
        raise SystemExit("BatchNormalization nodes are missing or in training mode")


def write_set(folder, images, labels):
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", images)
    np.save(folder / "y.npy", labels)


def write_meta(path, mean, std):
    meta = {
        "layout": "NHWC uint8 -> NCHW float32",
        "formula": "x = (u8*scale - mean[c]) / std[c]",
        "channel_order": "RGB",
        "scale": 1 / 255,
        "mean": mean,
        "std": std,
        "classes": len(render.CLASS_NAMES),
        "class_names": render.CLASS_NAMES,
        "input": "input",
        "output": "logits",
    }
    path.write_text(json.dumps(meta, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--train-count", type=int, default=24000)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--spread", type=float, default=120.0,
                        help="largest over smallest channel factor; 1 leaves the net as trained")
    args = parser.parse_args()

    # One thread: with more, sums are taken in another order each time.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(render.SEED)

    images, labels = render.render_set("train", args.train_count)
    mean = [round(float(v), 4) for v in images.mean((0, 1, 2)) / 255]
    std = [round(float(v), 4) for v in images.std((0, 1, 2)) / 255]
    model = GlyphNet(len(render.CLASS_NAMES))
    print(f"{sum(p.numel() for p in model.parameters())} parameters, mean {mean}, std {std}")
    x, y = to_tensor(images, mean, std), torch.from_numpy(labels)
    train(model, x, y, args.epochs, args.batch)

    write_set(args.out / "calib", *render.render_set("calib", CALIB_COUNT))
    images, labels = render.render_set("test", TEST_COUNT)
    write_set(args.out / "test", images, labels)
    x, y = to_tensor(images, mean, std), torch.from_numpy(labels)
    print(f"test top-1 as trained: {100 * accuracy(model, x, y):.1f} %")

    if args.spread > 1:
        rng = np.random.default_rng(render.SEED)
        widen(model.stem, model.dw1, model.pw1, args.spread, rng)
        widen(model.expand2, model.dw2, model.project2, args.spread, rng)
    print(f"test top-1 as written: {100 * accuracy(model, x, y):.1f} %")
    export(model, args.out / "model.onnx")
    write_meta(args.out / "meta.json", mean, std)


if __name__ == "__main__":
    main()
