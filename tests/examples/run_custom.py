"""The researcher's pass of examples/custom-pass: what it gains, and that it does what its papers say, by NumPy. Each function is
one test."""
import json
import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from example_bench import FOLDERS, ExampleBench, in_onnx_runtime, real_model, require_close, require_schema, samples  # noqa: E402
from test_main import require, run_tests  # noqa: E402

BEFORE = ["unify-floats", "constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code",
          "assign-configs", "quantize-fusion", "quantize-simplify", "parameter-quantize"]
AFTER = ["runtime-calibration", "quant-alignment", "passive-parameter-quantize", "parameter-baking"]
GLYPHS_WIDTHS = [("{op: Conv}", 4), ('{node: "/dw*"}', 8), ('{node: "/down3*"}', 8), ('{node: "/stem*"}', 8)]
LAYER = "/pw1/pw1.0/Conv"  # its input is made by stem, MaxPool and dw1


def quantized(bench, share, *args, folder=None, widths=GLYPHS_WIDTHS, order=None, extra="", **options):
    """The model with weights of 4 bits, with residues where `share` is no None; gives its noise/signal and top-1."""
    own = [] if share is None else [f"residual-channels: {{share: {share}}}"]
    passes = order or [*BEFORE, *own, *AFTER]
    body = "passes:\n" + "".join(f"  - {name}\n" for name in passes)
    body += "overrides:\n" + "".join(f"  - match: {match}\n    set: {{weights: {{bits: {bits}}}}}\n" for match, bits in widths)
    body += "export: [{path: model.onnx}]\nconfigs_out: configs.json\n" + extra
    bench.pipeline_of(folder or bench.glyphs, "custom", body, *args, platform="onnxruntime-int8", **options)


def figures_of(bench, folder=None, limit=200):
    folder = folder or bench.glyphs
    _, figures = bench.outputs(folder, "model.onnx", limit, "--labels", folder / "test" / "y.npy")
    return figures["outputs"][0]["noise_to_signal"], figures["top1"]


def artefact(bench, index=12):
    return json.loads((bench.work / "notes" / f"{index:02}-residual-channels.residues.json").read_text())


def less_noise(bench):
    quantized(bench, None)
    plain, top1 = figures_of(bench)
    found = []
    for share in (0.125, 0.25, 1):
        quantized(bench, share)
        found.append(figures_of(bench))
    print(f"noise/signal without {plain:.4f} (top-1 {top1:.3f}), with residues of 1/8, 1/4 and all: "
          + ", ".join(f"{noise:.4f} ({right:.3f})" for noise, right in found))
    require(found[1][0] < 0.6 * plain, f"a quarter of the channels leaves {found[1][0]} of {plain}")
    require(plain > found[0][0] > found[1][0] > found[2][0], f"more channels do not help: {found}")
    quantized(bench, 0)
    require(figures_of(bench)[0] == plain, "a share of 0 changes the model")


def conv(x, weight, bias, group=1):
    """3x3 with a border of one, or 1x1, in float64."""
    reach = weight.shape[2]
    padded = numpy.pad(x, ((0, 0), (0, 0), (reach // 2,) * 2, (reach // 2,) * 2))
    taps = numpy.lib.stride_tricks.sliding_window_view(padded, (reach, reach), axis=(2, 3))
    taps = taps.reshape(len(x), group, -1, *taps.shape[2:])
    out = numpy.einsum("ngcyxhw,gochw->ngoyx", taps, weight.reshape(group, -1, *weight.shape[1:]), optimize=True)
    return out.reshape(len(x), -1, *out.shape[3:]) + bias.reshape(1, -1, 1, 1)


def folded(bench):
    """Weight and bias of the first layers with their BatchNormalization in them, by this file's own arithmetic."""
    model = onnx.load(bench.glyphs / "model.onnx")
    stored = {i.name: onnx.numpy_helper.to_array(i).astype(numpy.float64) for i in model.graph.initializer}
    def layer(name):
        factor = stored[f"{name}.1.weight"] / numpy.sqrt(stored[f"{name}.1.running_var"] + 9.999999747378752e-06)
        bias = stored[f"{name}.1.bias"] - stored[f"{name}.1.running_mean"] * factor
        return stored[f"{name}.0.weight"] * factor.reshape(-1, 1, 1, 1), bias
    return [layer(name) for name in ("stem", "dw1", "pw1")]


def codes_of(initializer):
    """A stored tensor; of int4, which older versions of the onnx package do not know, two in a byte, the low one first."""
    if initializer.data_type != 22:
        return onnx.numpy_helper.to_array(initializer)
    raw = numpy.frombuffer(initializer.raw_data, numpy.uint8).astype(numpy.int8)
    both = numpy.stack([raw << 4 >> 4, raw >> 4], axis=1).reshape(-1)
    return both[:int(numpy.prod(initializer.dims))].reshape(initializer.dims)


def input_of_layer(bench, layers, limit):
    meta = json.loads((bench.glyphs / "meta.json").read_text())
    x = numpy.load(bench.glyphs / "calib" / "x.npy")[:limit].astype(numpy.float64)
    x = ((x * meta["scale"] - meta["mean"]) / meta["std"]).transpose(0, 3, 1, 2)
    stem = numpy.maximum(conv(x, *layers[0]), 0)
    pooled = stem.reshape(*stem.shape[:2], 16, 2, 16, 2).max(axis=(3, 5))
    return numpy.maximum(conv(pooled, *layers[1], group=16), 0)


def recomputed(bench):
    """Channels, errors and the residue of a layer, against a float64 network of NumPy."""
    quantized(bench, 0.25, extra="artefacts: notes/\n", limit=64)
    layers = folded(bench)
    weight = layers[2][0]
    by_name = {operation["op"]: operation for operation in bench.json("configs.json")["operations"]}
    scale = numpy.array(by_name[LAYER]["inputs"][1]["scale"]).reshape(-1, 1, 1, 1)
    lost = weight - numpy.clip(numpy.rint(weight / scale), -7, 7) * scale
    data = input_of_layer(bench, layers, 64)
    errors = data.var(axis=(0, 2, 3)) * (lost ** 2).sum(axis=(0, 2, 3))
    entry, = [entry for entry in artefact(bench) if entry["layer"] == LAYER]
    require(sorted(numpy.argsort(-errors)[:4].tolist()) == entry["channels"], f"channels {entry['channels']} of errors {errors}")
    require_close(entry["expected_error"], errors.sum(), 1e-3, "expected error")
    require_close(entry["without_these"], errors.sum() - errors[entry["channels"]].sum(), 1e-3, "expected error without them")
    model = onnx.load(bench.work / "model.onnx")
    stored = {i.name: codes_of(i) for i in model.graph.initializer}
    residue, = [array for name, array in stored.items() if name.startswith(LAYER + "_residual_weight") and array.ndim == 4]
    own = numpy.array(by_name[LAYER + "_residual"]["inputs"][1]["scale"]).reshape(-1, 1, 1, 1)
    require(numpy.abs(residue.astype(numpy.float64) * own - lost[:, entry["channels"]]).max() <= own.max() * 0.5001,
            "the residue is not what was lost")
    bias, = [array for name, array in stored.items() if name.startswith(LAYER + "_residual_bias") and array.dtype == numpy.int32 and array.any()]
    unit = numpy.array(by_name[LAYER + "_residual"]["inputs"][2]["scale"])
    rest = [c for c in range(16) if c not in entry["channels"]]
    wanted = (lost[:, rest] * data.mean(axis=(0, 2, 3))[rest].reshape(1, -1, 1, 1)).sum(axis=(1, 2, 3))
    require(numpy.abs(bias * unit - wanted).max() < 1e-3 * numpy.abs(wanted).max() + unit.max(), "the bias is not what is lost on average")


def artefacts(bench):
    """They appear with the other outputs where the run names a folder, and only then."""
    quantized(bench, 0.25)
    require(not (bench.work / "notes").exists(), "artefacts that nobody asked for")
    quantized(bench, 0.25, extra="artefacts: notes\n")
    require([path.name for path in (bench.work / "notes").iterdir()] == ["12-residual-channels.residues.json"], "other files")
    require(len(artefact(bench)) == 7, "not every layer of 4 bits has an entry")
    bench.remove("notes")
    text = (bench.work / "custom.yaml").read_text()
    (bench.work / "custom.yaml").write_text(text.replace("artefacts: notes", "artefacts: nowhere/notes"))
    errors = bench.fails("run", "custom.yaml", "--quiet")
    require("the folder 'nowhere' of the output 'nowhere/notes' does not exist; make it first" in errors, errors)
    (bench.work / "custom.yaml").write_text(text.replace("path: model.onnx", "path: missing/model.onnx"))
    bench.fails("run", "custom.yaml", "--quiet")
    require(not (bench.work / "notes").exists(), "a run that failed left artefacts")


def too_late(bench):
    order = [*BEFORE, "runtime-calibration", "residual-channels", *AFTER[1:]]
    try:
        quantized(bench, 0.25, order=order)
    except Exception as failure:  # noqa: BLE001: what require() threw
        require("activations are calibrated already, and the residue changes them; put residual-channels before "
                "runtime-calibration" in str(failure), str(failure))
        require("in pass 'residual-channels'" in str(failure), str(failure))
    else:
        require(False, "the pass ran behind the calibration")


def schemas(bench):
    require_schema(bench, "pipeline", "pipeline.yaml")


def threads(bench):
    files = []
    for count in (1, 3):
        quantized(bench, 0.25, "--set", f"calibration.threads={count}", extra="artefacts: notes\n")
        files.append((bench.bytes("model.onnx"), artefact(bench)))
    require(files[0] == files[1], "results depend on the number of threads")


def onnx_runtime(bench):
    """The exported file, opset 21 with weights of int4, in ONNX Runtime."""
    quantized(bench, 0.25)
    ours, _ = bench.outputs(bench.glyphs, "model.onnx", 100)
    meta = json.loads((bench.glyphs / "meta.json").read_text())
    theirs = in_onnx_runtime(bench, "model.onnx", samples(bench.glyphs, 100, meta))
    noise = float(numpy.sum((ours - theirs) ** 2) / numpy.sum(theirs ** 2))
    agreement = float(numpy.mean(ours.argmax(axis=1) == theirs.argmax(axis=1)))
    print(f"halftone against ONNX Runtime: noise/signal {noise:.2g}, the same class for {agreement:.1%}")
    require(noise < 1e-3 and agreement >= 0.99, f"noise/signal {noise}, agreement {agreement}")


def real_models(bench):
    folder = real_model(bench, "resnet20-cifar10")
    found = []
    for share in (None, 0.25):
        quantized(bench, share, folder=folder, widths=[("{op: Conv}", 4)], limit=64)
        found.append(figures_of(bench, folder))
    print(f"resnet20-cifar10, 4 bits: noise/signal and top-1 {found[0]} without residues, {found[1]} with a quarter")
    require(found[1][0] < 0.6 * found[0][0], f"noise/signal {found}")


TESTS = [less_noise, recomputed, artefacts, too_late, schemas, threads, onnx_runtime, real_models]
if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, ExampleBench, FOLDERS))
