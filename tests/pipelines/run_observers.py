"""Observers from end to end, against NumPy. Each function is one test; the first argument names it."""
import json
import os
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

COUNT = 37

SKIPPED = 77


def small(bench, values=None):
    """A convolution whose input is what the samples say; the samples have zeros, both signs and a few large values."""
    random = numpy.random.default_rng(3)
    x = random.normal(size=(COUNT, 3, 8, 8)).astype(numpy.float32)
    x[x < -1] = 0
    x[::7, 0, 0, :2] *= 40
    x[5] *= 1e-4
    x = x if values is None else values
    numpy.save(bench.work / "x.npy", x)
    (bench.work / "small.onnx").write_bytes(onnx.small_net())
    return x


def calibrated(bench, name, calibration, before="", overrides="", threads=0):
    """The slots of the small net after a calibration with these parameters."""
    (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: small.onnx
platform: onnxruntime-int8
executor: reference
calibration: {{path: x.npy, threads: {threads}}}
passes:
  - assign-configs
  - quantize-simplify
  - parameter-quantize{before}
  - runtime-calibration: {calibration}
  - passive-parameter-quantize
  - parameter-baking
{overrides}
export:
  - {{format: onnx-qdq, path: {name}.onnx}}
configs_out: {name}.json
""")
    bench.run("run", f"{name}.yaml", "-q")
    return bench.slots(f"{name}.json")


def scale_of(low, high):
    return (max(float(high), 0.0) - min(float(low), 0.0)) / 255


def input_scale(slots):
    return slots["conv", "Conv", "inputs", 0]["scale"][0]


def require_close(found, expected, what, tolerance=2e-7):
    require(abs(found - expected) <= tolerance * abs(expected), f"{what}: scale {found}, expected {expected}")


def same_for_threads(bench, name, calibration):
    files = []
    for threads in (1, 2, 5):
        calibrated(bench, f"{name}{threads}", calibration, threads=threads)
        files.append((bench.bytes(f"{name}{threads}.onnx"), bench.bytes(f"{name}{threads}.json")))
    require(files[0] == files[1] == files[2], f"{name}: other numbers of threads give another result")


def exact_percentile(bench):
    """The values at the ranks, not the edges of bins; the same on any number of threads, and without data refused."""
    x = small(bench)
    values = numpy.sort(x.ravel())
    for share in (0.5, 0.9, 0.99, 0.999, 0.9999, 1.0):
        low = values[min(int(len(values) * (1 - share)), len(values) - 1)]
        high = values[min(int(len(values) * share), len(values) - 1)]
        slots = calibrated(bench, "exact", f"{{observer: percentile, observer_parameters: [exact=true, percentile={share}]}}")
        expected = scale_of(low, high)
        require_close(input_scale(slots), expected, f"percentile {share}")
    same_for_threads(bench, "exact", "{observer: percentile, observer_parameters: [exact=true, percentile=0.99]}")
    binned = calibrated(bench, "binned", "{observer: percentile, observer_parameters: [percentile=0.99]}")
    require(0 < input_scale(binned) / input_scale(bench.slots("exact1.json")) - 1 < 0.01, "the bin is not near the value")


def moving_average(bench):
    """The formula over groups, in the order of the samples."""
    x = small(bench)
    for momentum, group in ((0.9, 1), (0.75, 8), (0.5, 37), (0.9, 100)):
        low = high = None
        for first in range(0, COUNT, group):
            part = x[first:first + group]
            if low is None:
                low, high = float(part.min()), float(part.max())
            else:
                low = momentum * low + (1 - momentum) * float(part.min())
                high = momentum * high + (1 - momentum) * float(part.max())
        slots = calibrated(bench, "moving",
                           f"{{observer: moving-average, observer_parameters: [momentum={momentum}, group={group}]}}")
        require_close(input_scale(slots), scale_of(low, high), f"momentum {momentum}, groups of {group}")
    same_for_threads(bench, "moving", "{observer: moving-average, observer_parameters: [group=4]}")


def constant(bench):
    """The very scale that is asked for."""
    small(bench)
    for scale, zero in ((0.1, 0), (0.0371, 128), (1e-5, 255), (3.0, 7)):
        slots = calibrated(bench, "constant", f"{{observer: constant, observer_parameters: [scale={scale}, zero_point={zero}]}}")
        slot = slots["conv", "Conv", "inputs", 0]
        require(numpy.float32(slot["scale"][0]) == numpy.float32(scale), f"scale {slot['scale']} for {scale}")
        require(slot["offset"] == [zero], f"zero point {slot['offset']} for {zero}")


def fake(x, scale, low=-8, high=7):
    return numpy.clip(numpy.rint(x / scale), low, high) * scale


def weights_per_channel(bench):
    """mse, kl and percentile for each channel of a weight; mse is as good as trying a thousand ranges."""
    small(bench)
    random = numpy.random.default_rng(11)
    w = (random.standard_t(3, size=(4, 3, 3, 3)) * numpy.array([0.01, 1, 30, 0.2]).reshape(4, 1, 1, 1)).astype(numpy.float32)
    (bench.work / "small.onnx").write_bytes(onnx.small_net(weights=onnx.tensor("w", w.shape, w.ravel().tolist())))
    bits = "overrides:\n  - match: {op: Conv}\n    set: {inputs: {bits: 4}}\n"
    slots = {name: calibrated(bench, name, "{observer: minmax}", before=f": {{observer: {name}}}", overrides=bits)
             ["conv", "Conv", "inputs", 1] for name in ("minmax", "mse", "kl", "percentile")}
    for name, slot in slots.items():
        require(len(slot["scale"]) == 4, f"{name} gives {len(slot['scale'])} scales for 4 channels")
    for channel in range(4):
        values = w[channel].astype(numpy.float64).ravel()
        errors = {name: ((values - fake(values, slot["scale"][channel])) ** 2).sum() for name, slot in slots.items()}
        limit = numpy.abs(values).max()
        brute = min(((values - fake(values, limit * i / 1000 / 7)) ** 2).sum() for i in range(20, 1001))
        require(errors["mse"] <= errors["minmax"], f"channel {channel}: {errors}")
        require(errors["mse"] <= 1.05 * brute, f"channel {channel}: {errors['mse']} where {brute} is possible")


def activations_per_channel(bench):
    """Ranges of each channel of what the samples give: the extremes, the percentile within a bin, mse better than minmax."""
    x = small(bench) * numpy.array([0.01, 1, 7], numpy.float32).reshape(1, 3, 1, 1)
    numpy.save(bench.work / "x.npy", x)
    channels = numpy.moveaxis(x, 1, 0).reshape(3, -1)
    scales = {}
    for observer in ("minmax", "moving-average", "percentile", "kl", "mse"):
        results = []
        for threads in (1, 3):
            (bench.work / "channels.platform.yaml").write_text(f"""halftone-platform: 1
id: channels
types:
  activation: {{bits: 4, granularity: channel, axis: 1, observer: {observer}}}
  weight: {{bits: 8}}
operators:
  - {{types: [Conv], computing: true, outputs: fp32}}
pipeline: [assign-configs, parameter-quantize, runtime-calibration]
""")
            (bench.work / "p.yaml").write_text(f"""halftone: 1
model: small.onnx
platform: channels
executor: reference
calibration: {{path: x.npy, threads: {threads}}}
configs_out: out.json
""")
            bench.run("run", "p.yaml", "--plugin-path", ".", "-q")
            results.append(bench.bytes("out.json"))
        require(results[0] == results[1], f"{observer}: threads change the scales")
        scales[observer] = bench.slots("out.json")["conv", "Conv", "inputs", 0]["scale"]
        require(len(scales[observer]) == 3, f"{observer}: {scales[observer]}")
    for c, values in enumerate(channels.astype(numpy.float64)):
        largest = numpy.abs(values).max()
        require_close(scales["minmax"][c], largest / 7, f"channel {c}")
        ordered = numpy.sort(values)
        ends = max(-ordered[int(len(values) * (1 - 0.9999))], ordered[min(int(len(values) * 0.9999), len(values) - 1)])
        bin_width = (values.max() - values.min()) / 2048
        require(abs(scales["percentile"][c] * 7 - ends) <= 1.001 * bin_width, f"channel {c}: percentile {scales['percentile'][c]}")
        error = {name: ((values - fake(values, scale[c])) ** 2).sum() for name, scale in scales.items()}
        brute = min(((values - fake(values, largest * i / 1000 / 7)) ** 2).sum() for i in range(20, 1001))
        require(error["mse"] <= 1.02 * brute, f"channel {c}: {error}, possible is {brute}")


def kept(logits, scale, zero, bits):
    """In how many rows the largest value stays above all others."""
    top = 2 ** bits - 1
    codes = numpy.clip(numpy.rint(logits / numpy.float32(scale)) + zero, 0, top)
    ordered = numpy.sort(codes, axis=1)
    winner = codes[numpy.arange(len(codes)), logits.argmax(axis=1)]
    return int(((ordered[:, -1] > ordered[:, -2]) & (winner == ordered[:, -1])).sum())


def isotone(bench):
    """On the samples of the calibration, and on others, the winner stays at least as often as with minmax."""
    def logits(folder):
        bench.run("evaluate", bench.glyphs / "model.onnx", "--data", bench.glyphs / folder / "x.npy", "--preprocess",
                  bench.glyphs / "meta.json", "--outputs-npy", folder, "--executor", "reference", "-q")
        return numpy.load(next((bench.work / folder).iterdir()))
    seen, held = logits("calib"), logits("test")
    head = "logits"
    results = {}
    for name, extra in (("minmax", ""), ("isotone", "  - isotone-calibration: {variables: [" + head + "], axis: 1}\n")):
        bench.pipeline(name, f"""executor: reference
passes:
  - assign-configs
  - parameter-quantize
{extra}  - runtime-calibration: {{observer: minmax}}
  - passive-parameter-quantize
overrides:
  - match: {{op: Gemm}}
    set: {{outputs: {{bits: 4}}}}
configs_out: {name}.json
""")
        slot = next(s for (_, kind, direction, _), s in bench.slots(f"{name}.json").items()
                    if kind == "Gemm" and direction == "outputs")
        results[name] = slot
    counts = {name: [kept(x, s["scale"][0], s["offset"][0], 4) for x in (seen, held)] for name, s in results.items()}
    require("isotone" in results["isotone"]["rule"], results["isotone"]["rule"])
    require(f"{counts['isotone'][0]} of {len(seen)} rows" in results["isotone"]["rule"],
            f"{results['isotone']['rule']}; NumPy counts {counts}")
    require(counts["isotone"][0] > counts["minmax"][0] and counts["isotone"][1] >= counts["minmax"][1], f"{counts}")


def only_with_samples(bench):
    """What goes over the samples itself is refused where there is a statistics file only."""
    bench.run("calibrate", bench.glyphs / "model.onnx", "-c", bench.glyphs / "calib", "--preprocess", bench.glyphs / "meta.json",
              "--observe-for", "onnxruntime-int8", "-o", "all.htstats", "-q")
    for observer in ("isotone", "moving-average"):
        told = bench.fails("quantize", bench.glyphs / "model.onnx", "-p", "onnxruntime-int8", "--stats-in", "all.htstats",
                           "--observer", observer, "-o", "out.onnx", "-q")
        require(f"observer '{observer}' goes over the samples itself" in told and "calibrate on the data" in told, told)


def skipped_samples(bench):
    """A sample that cannot be read leaves nothing in any accumulator, on one thread and on three."""
    x = small(bench)
    (bench.work / "good").mkdir()
    (bench.work / "bad").mkdir()
    for i, sample in enumerate(x):
        for folder in ("good", "bad"):
            numpy.save(bench.work / folder / f"{i:03}.npy", sample)
    whole = bench.bytes("bad/004.npy")
    (bench.work / "bad" / "004a.npy").write_bytes(whole[:len(whole) // 2])
    for observer, parameters in (("moving-average", "group=3"), ("percentile", "exact=true"), ("isotone", "axis=1")):
        scales = []
        for folder, threads in (("good", 1), ("bad", 1), ("bad", 3)):
            (bench.work / "p.yaml").write_text(f"""halftone: 1
model: small.onnx
platform: onnxruntime-int8
executor: reference
calibration: {{path: {folder}, threads: {threads}, on_bad_sample: skip}}
passes:
  - assign-configs
  - parameter-quantize
  - runtime-calibration: {{observer: {observer}, observer_parameters: [{parameters}]}}
configs_out: p.json
""")
            bench.run("run", "p.yaml", "-q")
            scales.append({key: (slot["scale"], slot["offset"]) for key, slot in bench.slots("p.json").items()})
        require(scales[0] == scales[1] == scales[2], f"{observer}: a skipped sample, or threads, change the scales")


def late_net(apart):
    """z = Relu(Conv(x)) + table[int(max(x))]: a sample with a large value runs through the convolution and then fails. `apart`:
    the entry of the table is an output of its own, behind everything that is quantized."""
    table = 1024
    nodes = [onnx.conv(("x", "w", "b")), onnx.node("Relu", ["c"], ["y"]),
             onnx.conv(("y", "v"), "d", "second"),
             onnx.node("ReduceMax", ["x"], ["m"], attributes=[onnx.field(1, "keepdims") + onnx.field(3, 0) + onnx.field(20, 2)]),
             onnx.node("Cast", ["m"], ["i"], attributes=[onnx.field(1, "to") + onnx.field(3, 7) + onnx.field(20, 2)]),
             onnx.node("Gather", ["table", "i"], ["g"]), *([] if apart else [onnx.node("Add", ["d", "g"], ["z"])])]
    random = numpy.random.default_rng(8)
    outputs = [onnx.value_info("d" if apart else "z", ["N", 4, 8, 8]), *([onnx.value_info("g", [])] if apart else [])]
    def tensor(name, *shape):
        return onnx.tensor(name, shape, random.normal(size=shape).astype(numpy.float32).ravel().tolist())
    return onnx.model(nodes, [onnx.value_info("x", ["N", 3, 8, 8])], outputs,
                      [tensor("w", 4, 3, 3, 3), tensor("b", 4), tensor("v", 4, 4, 3, 3), tensor("table", table)])


def late_data(bench):
    """Two folders: `bad` has two samples more than `good`, whose last nodes fail."""
    random = numpy.random.default_rng(9)
    for folder in ("good", "bad"):
        (bench.work / folder).mkdir()
    for i in range(COUNT):
        x = random.normal(size=(3, 8, 8)).astype(numpy.float32)
        for folder in ("good", "bad"):
            numpy.save(bench.work / folder / f"{i:03}b.npy", x)
    for name in ("000a", "004c"):
        x = random.normal(size=(3, 8, 8)).astype(numpy.float32)
        x[..., :2] = numpy.linspace(-2.316, -2.308, 48).reshape(3, 8, 2)  # around the percentile that is asked for
        x[1, 4, 4] = 9000
        numpy.save(bench.work / "bad" / f"{name}.npy", x)


def late_result(bench, folder, threads, passes, settings=""):
    (bench.work / "channels.platform.yaml").write_text("""halftone-platform: 1
id: channels
types:
  activation: {bits: 8, granularity: channel, axis: 1, observer: minmax}
  weight: {bits: 4}
operators:
  - {types: [Conv], computing: true, outputs: fp32}
""")
    platform = "channels" if passes[0] == "channels" else "tensorrt-int8"
    one = """overrides:
  - match: {node: conv}
    set: {inputs: {observer: percentile, observer_parameters: {exact: true, percentile: 0.99}}}
""" if passes[0] == "one" else ""
    steps = "".join(f"  - {step}\n" for step in passes if step not in ("channels", "one"))
    (bench.work / "p.yaml").write_text(f"""halftone: 1
model: late.onnx
platform: {platform}
executor: reference
calibration: {{path: {folder}, threads: {threads}{settings}}}
passes:
{steps}{one}export:
  - path: p.onnx
configs_out: p.json
""")
    bench.run("run", "p.yaml", "-q", "--plugin-path", ".")
    return bench.bytes("p.onnx"), bench.bytes("p.json")


def late_failures(bench):
    """A sample whose last nodes fail is in no pass over the data: not in a second one, which ends before those nodes, and not in
    one before the calibration, byte for byte."""
    late_data(bench)
    def observed(observer, *parameters):
        return f"runtime-calibration: {{observer: {observer}, observer_parameters: [{', '.join(parameters)}]}}"
    begin, end = ("assign-configs", "parameter-quantize"), ("passive-parameter-quantize", "parameter-baking")
    plain = (*begin, "runtime-calibration: {observer: minmax}")
    cases = {
        "exact percentile": (*begin, observed("percentile", "exact=true", "percentile=0.99"), *end),
        "exact percentile of one": ("one", *begin, "runtime-calibration", *end),
        "isotone": (*begin, "isotone-calibration: {variables: [y], axis: 1}", *plain[2:], *end),
        "moving average": (*begin, observed("moving-average", "group=3"), *end),
        "channels": ("channels", *plain),
        "bias-correction": (*plain, "passive-parameter-quantize", "bias-correction: {samples: 7}", *end),
        "round-tuning": (*plain, "passive-parameter-quantize", "round-tuning", *end),
        "activation-equalization": ("activation-equalization: {range: least_error}", *plain, *end),
    }
    for apart in (False, True):
        (bench.work / "late.onnx").write_bytes(late_net(apart))
        for name, passes in cases.items():
            expected = late_result(bench, "good", 1, passes)
            for threads in (1, 3):
                found = late_result(bench, "bad", threads, passes, ", on_bad_sample: skip")
                for what, a, b in zip(("model", "configs"), expected, found):
                    require(a == b, f"{name}, {threads} threads, apart {apart}: the {what} knows of a sample that was skipped")


def late_failures_analysed(bench):
    """All parts of an analysis leave out the samples whose last nodes fail, whether they are those of the calibration or others."""
    late_data(bench)
    (bench.work / "late.onnx").write_bytes(late_net(True))
    for extra in ((), ("--data", "good"), ("--data", "bad")):
        results = []
        for folder in ("good", "bad"):
            data = [folder if text == "bad" else text for text in extra]
            bench.run("analyze", "late.onnx", "-p", "tensorrt-int8", "-c", folder, *data, "--executor", "reference", "-q",
                      "--on-bad-sample", "skip", "--samples", 1000, "--json", f"{folder}.json")
            results.append(bench.json(f"{folder}.json"))
        require(len(results[1].pop("skipped", ())) == 2 * (extra != ("--data", "good")), "the skipped samples are not told")
        for result in results:
            result.pop("analysis_seconds")
        require(results[0] == results[1], f"{extra}: skipped samples are in the figures")


def array_of(path):
    """Where links are stored as text, the array that the text names."""
    while path.stat().st_size < 512 and not path.read_bytes().startswith(b"\x93NUMPY"):
        path = path.parent / path.read_text().strip()
    return path


def shared_models(bench):
    """Exact percentiles of real activations: what the models of HALFTONE_SHARED take in and give, against NumPy."""
    shared = os.environ.get("HALFTONE_SHARED")
    if not shared:
        print("HALFTONE_SHARED is not set: real models are left out")
        sys.exit(SKIPPED)
    for name in ("resnet20-cifar10", "squeezenet-imagenet"):
        folder = pathlib.Path(shared) / "models" / name
        data, meta = array_of(folder / "calib" / "x.npy"), folder / "meta.json"
        (bench.work / "p.yaml").write_text(f"""halftone: 1
model: {folder}/model.onnx
platform: onnxruntime-int8
calibration: {{path: {data}, preprocess: {meta}, limit: 24}}
passes:
  - assign-configs
  - runtime-calibration: {{observer: percentile, observer_parameters: [exact=true, percentile=0.99]}}
configs_out: p.json
""")
        bench.run("run", "p.yaml", "-q")
        bench.run("evaluate", folder / "model.onnx", "--data", data, "--preprocess", meta, "--limit", 24, "--outputs-npy", name, "-q")
        given = json.loads(meta.read_text())
        outputs = [slot for (_, _, direction, _), slot in bench.slots("p.json").items()
                   if direction == "outputs" and slot["var"] == given["output"]]
        require(len(outputs) == 1, f"{name}: {len(outputs)} configs of '{given['output']}'")
        values = numpy.sort(numpy.load(next((bench.work / name).iterdir())).ravel())
        low, high = values[int(len(values) * (1 - 0.99))], values[int(len(values) * 0.99)]
        require_close(outputs[0]["scale"][0], scale_of(low, high), name, 1e-5)


TESTS = (exact_percentile, moving_average, constant, weights_per_channel, activations_per_channel, isotone,
         only_with_samples, skipped_samples, late_failures, late_failures_analysed, shared_models)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
