#!/usr/bin/env python3
"""What each equalization and split pass does to the noise of a quantized model, and our equalized weights beside PPQ's.

    equalization.py --halftone BIN [--case TEXT ...] [--behind-calibration PASS ...] [--shared FOLDER] [--json FILE]

Every row quantizes a model twice, with the passes of a base list and with the pass under test in front of `assign-configs`, and
prints noise/signal at the outputs (mean) before and after, their ratio, top-1, and the change that the pass alone makes to the
float outputs. Passes when the float change is at most 1e-4 and the ratio is at most what the row demands; a row that demands
nothing is shown, because it tells where a pass is of no use.

Says so and ends well when the models are not there: they are not part of this repository.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from model_files import data_settings, resolve_link, shared_folder, test_arguments

CLEAN = ["constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code"]
QUANTIZE = {
    "tensorrt-int8": ["assign-configs", "quantize-fusion", "quantize-simplify", "parameter-quantize", "weight-scale-search",
                      "runtime-calibration", "quant-alignment", "passive-parameter-quantize", "parameter-baking"],
    "naive-int8": ["assign-configs", "parameter-quantize", "runtime-calibration", "passive-parameter-quantize",
                   "parameter-baking"],
}
HARD, V2, FACE, VIT = "mobilenetv1-025-imagenet", "mobilenetv2-cifar10", "rfb320-face", "vit-tiny-cifar10"
RESNET = "resnet20-cifar10"
QUANTIZE["per-tensor-int8"] = QUANTIZE["tensorrt-int8"]


def case(name, model, platform, passes, most):
    """`most`: the largest ratio of noise after to noise before that passes."""
    return {"name": name, "model": model, "platform": platform, "passes": passes, "most": most}


LAYERWISE = {"layerwise-equalization": {"value_threshold": 0}}
BIASES = {"layerwise-equalization": {"value_threshold": 0, "include_biases": True}}
SCALE = {"cross-layer-equalization": {"clip": "scale"}}
EVEN = {"activation-equalization": {"threshold": 1.5, "iterations": 20}}
SSD = "ssd-equalization"
SSD_ALL = {"ssd-equalization": {"iterations": 20, "loss_threshold": 0.95}}
SSD_CLIP = {"ssd-equalization": {"level": 2, "clip": "scale"}}
SSD2 = {"ssd-equalization": {"level": 2}}
PER_TENSOR = "per-tensor-int8"
CASES = [
    case("layerwise", HARD, "naive-int8", [LAYERWISE], 0.5),
    case("layerwise", HARD, PER_TENSOR, [LAYERWISE], 0.5),
    case("layerwise", HARD, "tensorrt-int8", [LAYERWISE], 1),
    case("layerwise", FACE, "naive-int8", [LAYERWISE], None),
    case("layerwise, biases count", FACE, "naive-int8", [BIASES], 1),
    case("layerwise", FACE, PER_TENSOR, [LAYERWISE], None),
    case("layerwise, biases count", FACE, PER_TENSOR, [BIASES], 1),
    case("layerwise, biases count", FACE, "tensorrt-int8", [BIASES], 1),
    case("layerwise", FACE, "tensorrt-int8", [LAYERWISE], 1),
    case("layerwise", RESNET, "naive-int8", [LAYERWISE], 1),
    case("cross-layer, scaled limits", V2, PER_TENSOR, [SCALE], 1),
    case("cross-layer, scaled limits", V2, "naive-int8", [SCALE], None),
    case("cross-layer", V2, "tensorrt-int8", ["cross-layer-equalization"], None),
    case("cross-layer", HARD, "naive-int8", ["cross-layer-equalization"], 0.5),
    case("cross-layer", FACE, "tensorrt-int8", ["cross-layer-equalization"], 1),
    case("cross-layer, absorption", FACE, "tensorrt-int8", ["cross-layer-equalization", "bias-absorption"], 1),
    case("smooth-quant", VIT, "tensorrt-int8", ["smooth-quant"], 1),
    case("smooth-quant", VIT, PER_TENSOR, ["smooth-quant"], None),
    case("smooth-quant with Mul", VIT, "tensorrt-int8", [{"smooth-quant": {"insert_mul": True}}], 1),
    case("activation", HARD, "tensorrt-int8", [EVEN], 0.6),
    case("activation, 60 rounds", HARD, "tensorrt-int8", [{"activation-equalization": {"threshold": 1.5, "iterations": 60}}], 0.6),
    case("activation", "squeezenet-imagenet", "tensorrt-int8", [EVEN], 1),
    case("activation", FACE, "tensorrt-int8", [EVEN], 1),
    case("ssd", HARD, "tensorrt-int8", [SSD], 0.6),
    case("ssd, small gains too", HARD, "tensorrt-int8", [SSD_ALL], 0.5),
    case("ssd", HARD, "naive-int8", [SSD], 0.4),
    case("ssd", HARD, PER_TENSOR, [SSD], 0.3),
    case("ssd", "squeezenet-imagenet", "tensorrt-int8", [SSD], 0.9),
    case("ssd, level 2", "squeezenet-imagenet", "tensorrt-int8", [SSD2], 0.9),
    case("ssd", FACE, "tensorrt-int8", [SSD], 0.8),
    case("ssd", RESNET, "naive-int8", [SSD], 1),
    case("ssd, limits scaled", V2, PER_TENSOR, [SSD_CLIP], 0.9),
    case("ssd, limits scaled", V2, "tensorrt-int8", [SSD_CLIP], None),
    case("channelwise-split", RESNET, "naive-int8", [{"channelwise-split": {"expansion": 0.2}}], 1),
    case("channelwise-split", RESNET, PER_TENSOR, [{"channelwise-split": {"expansion": 0.2}}], 1),
    case("channelwise-split, PPQ's", RESNET, PER_TENSOR, [{"channelwise-split": {"method": "threshold", "value_threshold": 0.5}}], None),
    case("weight-split", HARD, PER_TENSOR, [{"weight-split": {"value_threshold": 2}}], 1),
    case("weight-split", HARD, "naive-int8", [{"weight-split": {"value_threshold": 2}}], 1),
    case("matrix-factorization", VIT, PER_TENSOR, [{"matrix-factorization": {"grow": True}}], None),
    case("matrix-factorization", HARD, PER_TENSOR, [{"matrix-factorization": {"grow": True}}], 1),
]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def pipeline(folder, settings, platform, passes, evaluate, export):
    text = {"halftone": 1, **settings, "platform": platform, "passes": passes, **evaluate}
    if export:
        text["export"] = [{"path": str(folder / export)}]
    else:
        text["configs_out"] = str(folder / "configs.json")
    path = folder / "pipeline.yaml"
    path.write_text(json.dumps(text))
    return path


def write_per_tensor_platform(folder):
    """tensorrt-int8 with one scale for each weight: the setting that equalization of weights is for."""
    source = Path(__file__).resolve().parents[3] / "plugins/platforms/tensorrt-int8.platform.yaml"
    text = source.read_text().replace("id: tensorrt-int8", "id: per-tensor-int8").replace("granularity: channel", "granularity: tensor")
    (folder / "per-tensor-int8.platform.yaml").write_text(text)


def mean_noise(figures):
    noise = [output["noise_to_signal"] for output in figures["outputs"]]
    return sum(noise) / len(noise)


class Bench:
    def __init__(self, halftone, shared, folder):
        self.halftone, self.shared, self.folder, self.known = halftone, shared, folder, {}
        write_per_tensor_platform(folder)

    def run_pipeline(self, path, *options):
        run([self.halftone, "run", path, "--plugin-path", self.folder, "--quiet", *options])

    def quantized(self, model, platform, passes):
        key = json.dumps([model, platform, passes])
        if key not in self.known:
            test = test_arguments(self.shared, model)
            evaluate = {"evaluate": {"path": test[1], **({"labels": test[3]} if len(test) > 2 else {})}}
            path = pipeline(self.folder, data_settings(self.shared, model), platform,
                            CLEAN + passes + QUANTIZE[platform], evaluate, "int8.onnx")
            figures = self.folder / "figures.json"
            self.run_pipeline(path, "--json", figures)
            self.known[key] = json.loads(figures.read_text())
        return self.known[key]

    def rewritten(self, model, passes, name):
        """The float model after passes, as a file."""
        path = pipeline(self.folder, data_settings(self.shared, model), "tensorrt-int8", CLEAN + passes, {}, name)
        self.run_pipeline(path)
        return self.folder / name

    def float_change(self, model, passes):
        """Largest noise/signal that the passes alone bring, as an amplitude ratio."""
        before, after = self.rewritten(model, [], "before.onnx"), self.rewritten(model, passes, "after.onnx")
        figures = self.folder / "float.json"
        samples = test_arguments(self.shared, model)[1]
        run([self.halftone, "evaluate", after, "--data", samples, "--preprocess", self.shared / "models" / model / "meta.json",
             "--against", before, "--limit", "32", "--quiet", "--json", figures])
        return max(output["noise_to_signal"] for output in json.loads(figures.read_text())["outputs"]) ** 0.5


def text(value, form):
    return "-" if value is None else format(value, form)


def verdict(row):
    if not row["good"]:
        return "MISSED"
    return "shown" if row["most"] is None else "ok"


def print_row(row):
    print(f"{row['name']:<26} {row['model']:<25} {row['platform']:<15} {row['before']:>9.5f} {row['after']:>9.5f} "
          f"{row['ratio']:>6.2f} {text(row['top1_before'], '7.2f'):>7} {text(row['top1_after'], '7.2f'):>7} "
          f"{row['float_change']:>9.1e}  {verdict(row)}", flush=True)


def measure(bench, one):
    plain = bench.quantized(one["model"], one["platform"], [])
    changed = bench.quantized(one["model"], one["platform"], one["passes"])
    before, after = mean_noise(plain), mean_noise(changed)
    change = bench.float_change(one["model"], one["passes"])
    good = change <= 1e-4 and (one["most"] is None or after / before <= one["most"])

    def percent(figures):
        return 100 * figures["top1"] if "top1" in figures else None

    return {**one, "before": before, "after": after, "ratio": after / before, "top1_before": percent(plain),
            "top1_after": percent(changed), "float_change": change, "good": good}


def stored_tensors(path):
    """By the tensor's name, and by the names that PPQ gives the weight and bias of a folded layer."""
    import onnx
    from onnx import numpy_helper
    graph = onnx.load(path).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        for slot, part in ((1, "weight"), (2, "bias")):
            if node.op_type in ("Conv", "Gemm") and len(node.input) > slot and node.input[slot] in tensors:
                tensors.setdefault(f"{node.name}_{part}", tensors[node.input[slot]])
    return tensors


def compare_with_ppq(bench):
    """Equalized weights beside PPQ's, with its settings: ten iterations, level 1, threshold 0.5."""
    try:
        import numpy
        import onnx  # noqa: F401
    except ImportError:
        print("\nweights beside PPQ's: skipped, python3 has no numpy or onnx")
        return
    ours = {"layerwise-equalization": {"iterations": 10, "level": 1, "value_threshold": 0.5, "tolerance": 0}}
    print("\nweights beside PPQ's (largest difference relative to the tensor's largest value)")
    for file in sorted((bench.shared / "oracle/ppq").glob("*/*.equalization.weights.npz")):
        model = file.parent.name
        mine, plain = (stored_tensors(bench.rewritten(model, passes, "rewritten.onnx")) for passes in ([ours], []))
        theirs = numpy.load(file)
        worst, unlike, missing, changed = 0.0, [], [], 0
        for name in theirs.files:
            if name not in mine or mine[name].size != theirs[name].size:
                missing.append(name)
                continue
            a, b = mine[name].astype(float).ravel(), theirs[name].astype(float).ravel()
            difference = abs(a - b).max() / max(abs(b).max(), 1e-30)
            worst = max(worst, difference)
            changed += bool((a != plain[name].ravel()).any())
            if difference > 1e-4:
                unlike.append(f"{name} ({difference:.1e})")
        print(f"{model}: {len(theirs.files)} tensors, {changed} equalized, largest difference {worst:.1e}, "
              f"{len(unlike)} above 1e-4, {len(missing)} not found")
        for name in unlike[:8] + missing[:4]:
            print(f"  {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--shared")
    parser.add_argument("--case", action="append", help="rows whose name or model has this text")
    parser.add_argument("--behind-calibration", action="append", default=[], metavar="PASS",
                        help="passes that every row has behind runtime-calibration, such as bias-correction")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    if not options.shared and not os.environ.get("HALFTONE_SHARED"):
        print("skipped: HALFTONE_SHARED does not say where the models are")
        return 0
    shared = shared_folder(options.shared)
    for platform, passes in QUANTIZE.items():
        behind = passes.index("passive-parameter-quantize")
        QUANTIZE[platform] = passes[:behind] + options.behind_calibration + passes[behind:]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.halftone, shared, Path(folder))
        print(f"{'pass':<26} {'model':<25} {'platform':<15} {'noise':>9} {'with':>9} {'ratio':>6} {'top-1':>7} {'with':>7} {'float':>9}")
        for one in CASES:
            if options.case and not any(part in one["name"] or part in one["model"] for part in options.case):
                continue
            # What a row demands was measured without other passes.
            rows.append(measure(bench, {**one, "most": None} if options.behind_calibration else one))
            print_row(rows[-1])
        if not options.case or "ppq" in options.case:
            compare_with_ppq(bench)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))
    missed = [row for row in rows if not row["good"]]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
