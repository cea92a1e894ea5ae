"""Observers that trainings begin with, and those that follow groups of samples, against NumPy. Each function is one test."""
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

COUNT = 37
LAST = 15  # the largest code of 4 unsigned bits


def small(bench):
    """A convolution whose input has three channels of very different size, with a few large values."""
    random = numpy.random.default_rng(5)
    x = random.normal(0.3, 1, size=(COUNT, 3, 8, 8)) * numpy.array([0.1, 1, 5]).reshape(1, 3, 1, 1)
    x[::7, 1, 0, :2] *= 30
    x[5] *= 1e-3
    x = x.astype(numpy.float32)
    numpy.save(bench.work / "x.npy", x)
    (bench.work / "small.onnx").write_bytes(onnx.small_net())
    return x.astype(numpy.float64)


def scales_of(bench, observer, kind, parameters=""):
    """The scales and zero points of the input, on 1 and on 3 threads; `kind` is the type of activations."""
    results = []
    for threads in (1, 3):
        (bench.work / "start.platform.yaml").write_text(f"""halftone-platform: 1
id: start
types:
  activation: {{bits: 4, {kind}, observer: {observer}{parameters}}}
  weight: {{bits: 8}}
operators:
  - {{types: [Conv], computing: true, outputs: fp32}}
pipeline: [assign-configs, parameter-quantize, runtime-calibration]
""")
        (bench.work / "p.yaml").write_text(f"""halftone: 1
model: small.onnx
platform: start
executor: reference
calibration: {{path: x.npy, threads: {threads}}}
configs_out: out.json
""")
        bench.run("run", "p.yaml", "--plugin-path", ".", "-q")
        results.append(bench.bytes("out.json"))
    require(results[0] == results[1], f"{observer}: threads change the scales")
    slot = bench.slots("out.json")["conv", "Conv", "inputs", 0]
    return slot["scale"], slot["offset"]


CHANNELS = "granularity: channel, axis: 1"
ASYMMETRIC = "signed: false, symmetry: asymmetric"


def require_close(found, expected, what, tolerance=1e-6):
    require(abs(found - expected) <= tolerance * abs(expected), f"{what}: {found}, expected {expected}")


def per_channel(x):
    return numpy.moveaxis(x, 1, 0).reshape(3, -1)


def parameters(**given):
    return ", observer_parameters: {" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}"


def asymmetric(low, high):
    low, high = min(low, 0), max(high, 0)
    return (high - low) / LAST


def lsq(bench):
    """2 mean|x| / sqrt(qmax), of all samples, for the tensor and for channels; the zero point stays within the codes."""
    x = small(bench)
    scale, _ = scales_of(bench, "lsq", "granularity: tensor")
    require_close(scale[0], 2 * numpy.abs(x).mean() / 7 ** 0.5, "lsq")
    scale, _ = scales_of(bench, "lsq", CHANNELS)
    for c, values in enumerate(per_channel(x)):
        require_close(scale[c], 2 * numpy.abs(values).mean() / 7 ** 0.5, f"lsq of channel {c}")
    scale, zero = scales_of(bench, "lsq", ASYMMETRIC)
    expected = 2 * numpy.abs(x).mean() / LAST ** 0.5
    low = x.min()
    if low + expected * LAST < 0:
        expected = -low / LAST
    require_close(scale[0], expected, "lsq, asymmetric")
    require(zero[0] == min(LAST, round(-low / expected)), f"zero point {zero}")


def lsq_plus(bench):
    """max|mu +- 3 sigma| / 2^(bits - 1) where symmetric; the least squared error of a thousand ranges where not."""
    x = small(bench)
    for kind, rows in (("granularity: tensor", [x.ravel()]), (CHANNELS, per_channel(x))):
        scale, _ = scales_of(bench, "lsq-plus", kind)
        for c, values in enumerate(rows):
            ends = values.mean() - 3 * values.std(), values.mean() + 3 * values.std()
            require_close(scale[c], max(map(abs, ends)) / 8, f"lsq-plus of {kind}, {c}")
    scale, zero = scales_of(bench, "lsq-plus", ASYMMETRIC)

    def error(s, z):
        return ((x - (numpy.clip(numpy.rint(x / s) + z, 0, LAST) - z) * s) ** 2).mean()
    brute = min(error(asymmetric(x.min() * a, x.max() * b), numpy.rint(-x.min() * a / asymmetric(x.min() * a, x.max() * b)))
                for a in numpy.linspace(0.02, 1, 25) for b in numpy.linspace(0.02, 1, 25))
    require(error(scale[0], zero[0]) <= 1.02 * brute, f"error {error(scale[0], zero[0])}, possible is {brute}")


def clip_std(bench):
    """mean +- k deviations, no further than the values; it does clip."""
    x = small(bench)
    for k in (1, 2.6, 50):
        scale, _ = scales_of(bench, "clip-std", ASYMMETRIC, parameters(deviations=k))
        low, high = max(x.min(), x.mean() - k * x.std()), min(x.max(), x.mean() + k * x.std())
        require_close(scale[0], asymmetric(low, high), f"clip-std {k}")
    scale, _ = scales_of(bench, "clip-std", CHANNELS)
    for c, values in enumerate(per_channel(x)):
        low, high = values.mean() - 2.6 * values.std(), values.mean() + 2.6 * values.std()
        expected = max(-max(low, values.min()), min(high, values.max())) / 7
        require_close(scale[c], expected, f"channel {c}")
        require(c != 1 or scale[c] < 0.7 * numpy.abs(values).max() / 7, "nothing was clipped")


def groups(x, size):
    return [x[first:first + size] for first in range(0, len(x), size)]


def averaged(ranges, momentum):
    low, high = ranges[0]
    for other in ranges[1:]:
        low, high = momentum * low + (1 - momentum) * other[0], momentum * high + (1 - momentum) * other[1]
    return low, high


def moving_quantile(bench):
    """The magnitude at a rank of each group, to the edge of its bin, averaged."""
    x = small(bench)
    for quantile, momentum, size in ((0.99, 0.9, 8), (0.999, 0.5, 37), (0.9, 0.75, 1)):
        ranges = []
        for group in groups(x, size):
            ordered = numpy.sort(numpy.abs(group.ravel()))
            limit = ordered[int(numpy.ceil(quantile * len(ordered))) - 1]
            ranges.append((max(group.min(), -limit), min(group.max(), limit)))
        expected = asymmetric(*averaged(ranges, momentum))
        scale, _ = scales_of(bench, "moving-quantile", ASYMMETRIC,
                             parameters(quantile=quantile, momentum=momentum, group=size))
        require(-1e-6 < scale[0] / expected - 1 < 1 / 32, f"quantile {quantile}: {scale[0]}, expected {expected}")
    scale, _ = scales_of(bench, "moving-quantile", CHANNELS, parameters(quantile=0.99, group=100))
    for c, values in enumerate(per_channel(x)):
        limit = numpy.quantile(numpy.abs(values), 0.99, method="inverted_cdf")
        width = (values.max() - values.min()) / 2048
        require(abs(scale[c] * 7 - limit) <= 1.001 * width, f"channel {c}: {scale[c]}, expected {limit / 7}")


def moving_mse(bench):
    """One group is what `mse` finds; of several the average of ranges that are as good as any of a thousand."""
    x = small(bench)

    def best(group):
        largest = numpy.abs(group).max()
        tried = [largest * i / 1000 for i in range(20, 1001)]
        errors = [((group - numpy.clip(numpy.rint(group / (t / 7)), -8, 7) * (t / 7)) ** 2).mean() for t in tried]
        return tried[int(numpy.argmin(errors))]
    for momentum, size in ((0.9, 100), (0.5, 12)):
        scale, _ = scales_of(bench, "moving-mse", "granularity: tensor", parameters(momentum=momentum, group=size))
        _, high = averaged([(-best(group), best(group)) for group in groups(x, size)], momentum)
        require_close(scale[0], high / 7, f"groups of {size}", 0.03)
    scale, _ = scales_of(bench, "moving-mse", CHANNELS, parameters(group=100))
    for c, values in enumerate(per_channel(x)):
        require_close(scale[c], best(values) / 7, f"channel {c}", 0.05)


def exponent(group, finer):
    """The n of 2^-n with the least squared error."""
    first = int(numpy.floor(-numpy.log2(numpy.abs(group).max() / 7)))
    errors = [((group - numpy.clip(numpy.rint(group * 2.0 ** n), -8, 7) * 2.0 ** -n) ** 2).mean()
              for n in range(first, first + finer + 1)]
    return first + int(numpy.argmin(errors))


def power_of_two(bench):
    """The least error of a few powers of two; of groups the one that most of them choose."""
    x = small(bench)
    for finer in (0, 4):
        for kind, rows in (("granularity: tensor", [x]), (CHANNELS, per_channel(x))):
            scale, _ = scales_of(bench, "power-of-two", kind, parameters(finer=finer))
            for c, values in enumerate(rows):
                expected = 2.0 ** -exponent(values, finer)
                require(scale[c] == expected, f"{kind}, {c}, {finer} finer: {scale[c]}, expected {expected}")
    scale, _ = scales_of(bench, "power-of-two", "granularity: tensor, scale: power-of-two")
    require(scale[0] == 2.0 ** -exponent(x, 4), "a type of powers of two gets another one")
    for size in (1, 5, 16):
        votes = [exponent(group, 4) for group in groups(x, size)]
        most = max(votes.count(n) for n in votes)
        expected = 2.0 ** -min(n for n in votes if votes.count(n) == most)
        scale, _ = scales_of(bench, "power-of-two-mode", "granularity: tensor", parameters(group=size))
        require(scale[0] == expected, f"groups of {size}: {scale[0]}, expected {expected} of {votes}")


def weights(bench):
    """All of them for stored weights, channel by channel: a weight is one sample."""
    small(bench)
    random = numpy.random.default_rng(2)
    w = (random.standard_t(3, size=(4, 3, 3, 3)) * numpy.array([0.01, 1, 30, 0.2]).reshape(4, 1, 1, 1)).astype(numpy.float32)
    (bench.work / "small.onnx").write_bytes(onnx.small_net(weights=onnx.tensor("w", w.shape, w.ravel().tolist())))
    for observer in ("lsq", "lsq-plus", "clip-std", "moving-mse", "moving-quantile", "power-of-two", "power-of-two-mode"):
        (bench.work / "w.yaml").write_text(f"""halftone: 1
model: small.onnx
platform: onnxruntime-int8
executor: reference
passes:
  - assign-configs
  - parameter-quantize: {{observer: {observer}}}
overrides:
  - match: {{op: Conv}}
    set: {{weights: {{bits: 4}}}}
configs_out: w.json
""")
        bench.run("run", "w.yaml", "-q")
        scale = bench.slots("w.json")["conv", "Conv", "inputs", 1]["scale"]
        require(len(scale) == 4, f"{observer}: {scale}")
        for c in range(4):
            values = w[c].astype(numpy.float64).ravel()
            if observer == "lsq":
                require_close(scale[c], 2 * numpy.abs(values).mean() / 7 ** 0.5, f"{observer} {c}")
            elif observer == "lsq-plus":
                ends = abs(values.mean()) + 3 * values.std()
                require_close(scale[c], ends / 8, f"{observer} {c}")
            elif observer.startswith("power"):
                require(scale[c] == 2.0 ** -exponent(values, 4), f"{observer} {c}: {scale[c]}")
            else:
                require(0 < scale[c] <= 1.0001 * numpy.abs(values).max() / 7, f"{observer} {c}: {scale[c]}")


TESTS = (lsq, lsq_plus, clip_std, moving_quantile, moving_mse, power_of_two, weights)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
