"""Normalizations that are trained by the batch for some epochs and then frozen. Each function is one test; the first argument names it.

The training is computed again by NumPy on a layer that is small enough for it; the rest runs on the example model."""
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from run_correction import corrected, narrow, noise  # noqa: E402
from test_main import require, run_tests  # noqa: E402
from training_checkpoint import killed_within, run_to_the_end, steps_done  # noqa: E402

SAMPLES, INPUTS, CLASSES, EPOCHS = 24, 5, 4, 6
RATE, MOMENTUM, EPSILON = 0.5, 0.9, 1e-5
# Nothing is quantized, so that what is trained is a plain network.
PLATFORM = """halftone-platform: 1
id: floats
types:
  activation: {bits: 8, signed: false, symmetry: asymmetric, observer: minmax}
  weight: {bits: 8, min: -127, max: 127, granularity: channel}
  bias: {bits: 32, granularity: channel}
operators:
  - {types: [Conv], computing: true}
"""


def layer():
    """A Gemm with a normalization whose statistics are not those of the data, the data, and their classes."""
    random = numpy.random.default_rng(3)
    p = {"w": random.normal(size=(CLASSES, INPUTS)), "b": random.normal(size=CLASSES), "gamma": random.uniform(0.5, 1.5, CLASSES),
         "beta": random.normal(size=CLASSES), "mean": random.normal(size=CLASSES), "var": random.uniform(0.5, 2, CLASSES)}
    p = {name: value.astype(numpy.float32) for name, value in p.items()}
    x = random.normal(size=(SAMPLES, INPUTS)).astype(numpy.float32)
    return p, x, random.integers(0, CLASSES, SAMPLES)


def normalized(p, u, mean, variance):
    return (u - mean) / numpy.sqrt(variance + EPSILON) * p["gamma"] + p["beta"]


def loss_of(y, classes):
    shifted = y - y.max(axis=1, keepdims=True)
    logs = shifted - numpy.log(numpy.exp(shifted).sum(axis=1, keepdims=True))
    gradient = numpy.exp(logs)
    gradient[numpy.arange(len(y)), classes] -= 1
    return -logs[numpy.arange(len(y)), classes].mean(), gradient / len(y)


def step(p, x, classes, by_batch):
    """Ioffe and Szegedy 2015, and gradient descent; with `by_batch` false mean and variance are constants."""
    u = x @ p["w"].T + p["b"]
    mean, variance = (u.mean(axis=0), u.var(axis=0)) if by_batch else (p["mean"], p["var"])
    deviation = numpy.sqrt(variance + EPSILON)
    hat = (u - mean) / deviation
    _, dy = loss_of(normalized(p, u, mean, variance), classes)
    du = dy * p["gamma"]
    if by_batch:
        du = du - du.mean(axis=0) - hat * (du * hat).mean(axis=0)
        p["mean"] = MOMENTUM * p["mean"] + (1 - MOMENTUM) * mean
        p["var"] = MOMENTUM * p["var"] + (1 - MOMENTUM) * variance
    du = du / deviation
    gradients = {"w": du.T @ x, "b": du.sum(axis=0), "gamma": (dy * hat).sum(axis=0), "beta": dy.sum(axis=0)}
    for name, gradient in gradients.items():
        p[name] = p[name] - RATE * gradient


def trained(epochs_by_batch):
    """Outputs and losses, by the running statistics."""
    start, x, classes = layer()
    p = {name: value.astype(numpy.float64) for name, value in start.items()}
    losses = []
    for epoch in range(EPOCHS):
        step(p, x.astype(numpy.float64), classes, epoch < epochs_by_batch)
        y = normalized(p, x @ p["w"].T + p["b"], p["mean"], p["var"])
        losses.append(loss_of(y, classes)[0])
    return y, losses


def computed_apart(bench):
    """Statistics of the first epochs, and from then on those that they ended with: the outputs that NumPy's training ends with."""
    p, x, classes = layer()
    numpy.save(bench.work / "x.npy", x)
    numpy.save(bench.work / "classes.npy", classes)
    nodes = [onnx.node("Gemm", ["x", "w", "b"], ["u"], "gemm", attributes=[onnx.field(1, "transB") + onnx.field(3, 1) + onnx.field(20, 2)]),
             onnx.node("BatchNormalization", ["u", "gamma", "beta", "mean", "var"], ["y"], "norm")]
    stored = [onnx.tensor(name, value.shape, value.ravel().tolist()) for name, value in p.items()]
    (bench.work / "layer.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("x", ["N", INPUTS])], [onnx.value_info("y", ["N", CLASSES])], stored, opset=15))
    (bench.work / "floats.platform.yaml").write_text(PLATFORM)
    for by_batch in (2, EPOCHS):
        wanted, losses = trained(by_batch)
        require(losses[-1] == min(losses), f"the last epoch is not the best one, and would not be kept: {losses}")
        (bench.work / "run.yaml").write_text(f"""halftone: 1
model: layer.onnx
platform: floats
calibration: {{path: x.npy, labels: classes.npy}}
passes:
  - fold-batch-norm
  - assign-configs
  - parameter-quantize
  - runtime-calibration
  - quantization-aware-training: {{labels: 1, error: 0, batch_norm: train, batch_norm_epochs: {by_batch}, epochs: {EPOCHS}, validation: 0,
      batch: {SAMPLES}, optimizer: sgd, momentum: 0, schedule: constant, lr: {RATE}, learn: [weights, biases]}}
  - passive-parameter-quantize
  - parameter-baking
export: [{{path: out.onnx}}]
""")
        done = bench.done("run", "run.yaml", "--plugin-path", ".")
        told = f"normalized by the batch 1 layers, frozen after epoch {by_batch}"
        require(done.returncode == 0 and told in done.stderr, done.stderr)
        bench.run("evaluate", "out.onnx", "--data", "x.npy", "--outputs-npy", "computed", "-q")
        got = numpy.load(bench.work / "computed" / "y.npy")
        for epochs in range(EPOCHS + 1):
            off = numpy.abs(got - trained(epochs)[0]).max() / numpy.abs(wanted).max()
            near = off < 1e-5 if epochs == by_batch else off > 1e-3
            require(near, f"{by_batch} epochs by the batch: {off} from what {epochs} give")


def training(more, epochs=4):
    return (f"quantization-aware-training: {{epochs: {epochs}, batch: 16, lr: 0.0005, scale_lr: 0.0005, validation: 8, batch_norm: train, {more}}}",)


def killed(bench):
    """Killed before normalizations are frozen and behind it, and started again: the bytes of a run that nobody disturbed."""
    form = narrow(bench)
    steps = training("batch_norm_epochs: 20, checkpoint_steps: 1, checkpoint: state", epochs=40)
    setting = ", limit: 40, threads: 1"
    corrected(bench, "whole", steps, setting, **form)
    state = bench.work / "state"
    last, frozen_at = steps_done(state), 40
    require(last == 80, f"{last} steps, where 40 epochs of two were meant")
    whole = state.read_bytes()
    state.unlink()
    (bench.work / "again.yaml").write_text((bench.work / "whole.yaml").read_text().replace("whole", "again"))
    killed_within(bench, "again", state, 1, frozen_at - 1, form["extra"])
    first_frozen = killed_within(bench, "again", state, frozen_at, frozen_at + 20, form["extra"])
    killed_within(bench, "again", state, first_frozen + 1, last - 1, form["extra"])
    run_to_the_end(bench, "again", state, form["extra"])
    for ending in ("onnx", "configs"):
        require(bench.bytes(f"whole.{ending}") == bench.bytes(f"again.{ending}"), f"a killed run ends with another {ending}")
    require(state.read_bytes() == whole, "a killed run ends with another checkpoint")


def threads(bench):
    """The same bytes on any number of threads; others than without freezing, and less noise than without training."""
    form = narrow(bench)
    plain = noise(corrected(bench, "plain", (), ", limit: 40", **form))
    for count in (1, 2, 3):
        left = noise(corrected(bench, f"t{count}", training("batch_norm_epochs: 1"), f", limit: 40, threads: {count}", **form))
        require(left < plain, f"noise/signal {left}, {plain} without it")
        require(bench.bytes("t1.onnx") == bench.bytes(f"t{count}.onnx"), f"another model on {count} threads")
    corrected(bench, "free", training("batch_norm_epochs: 4"), ", limit: 40", **form)
    corrected(bench, "all", training("batch_norm_epochs: 0"), ", limit: 40", **form)
    require(bench.bytes("free.onnx") == bench.bytes("all.onnx"), "all of the epochs are not as many as there are")
    require(bench.bytes("free.onnx") != bench.bytes("t1.onnx"), "nothing is frozen")


def other_checkpoint(bench):
    """A checkpoint of a training that froze at another time is refused."""
    form = narrow(bench)
    corrected(bench, "first", training("batch_norm_epochs: 1, checkpoint: state"), ", limit: 40", **form)
    text = (bench.work / "first.yaml").read_text()
    (bench.work / "other.yaml").write_text(text.replace("batch_norm_epochs: 1", "batch_norm_epochs: 2").replace("first", "other"))
    told = bench.fails("run", "other.yaml", "-q", *form["extra"])
    require("the checkpoint 'state' is of a training with other parameters; name another file, or set `resume: false`" in told, told)


def taken_back(bench):
    """A rate that destroys everything changes no byte, frozen or not."""
    form = narrow(bench)
    corrected(bench, "plain", (), ", limit: 40", **form)
    corrected(bench, "worse", (training("batch_norm_epochs: 2")[0].replace("0.0005", "1"),), ", limit: 40", **form)
    require(bench.bytes("plain.onnx") == bench.bytes("worse.onnx"), "a network that got worse was kept")


TESTS = (computed_apart, killed, threads, other_checkpoint, taken_back)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
