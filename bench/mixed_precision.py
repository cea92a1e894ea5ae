#!/usr/bin/env python3
"""Accuracy of mixed widths beside uniform ones of the same size, on a network with labels.

    mixed_precision.py --halftone BIN [--shared FOLDER] [--model NAME] [--samples N]

Prints for each way the bytes of the packed weights, top-1 and noise/signal on the test samples, and what the table of sensitivities
(measured, or estimated from second derivatives) took in wall time. Models are those of --shared (or HALFTONE_SHARED), which the
repository does not hold.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "acceptance" / "oracle"))
from model_files import resolve_link, shared_folder  # noqa: E402

FINE = '["2", "3", "4", "5", "6", "8"]'
PASSES = ("[fold-batch-norm, fuse-bias-add, remove-dead-code, assign-configs{}, quantize-fusion, quantize-simplify, "
          "parameter-quantize, runtime-calibration, quant-alignment, passive-parameter-quantize, parameter-baking]")


def uniform(bits):
    rule = f"    set: {{weights: {{bits: {bits}, observer: mse}}}}\n"
    return "", "overrides:\n" + "".join(f"  - match: {{op: {op}}}\n{rule}" for op in ("Conv", "Gemm"))


def mixed(loss, share, candidates='["2", "4", "8"]', samples=64):
    return (f", measured-sensitivity: {{samples: {samples}, loss: {loss}, candidates: {candidates}}}, "
            f"mixed-precision: {{size_share: {share}}}"), ""


def estimated(settings, share, candidates=FINE, samples=64):
    return (f", second-order-sensitivity: {{samples: {samples}, {settings}, candidates: {candidates}}}, "
            f"mixed-precision: {{size_share: {share}}}"), ""


def run(options, model, folder, passes, overrides):
    pipeline = folder / "p.yaml"
    labels = f', labels: {resolve_link(model / "calib" / "y.npy")}' if "sensitivity" in passes else ""
    pipeline.write_text(f"""halftone: 1
model: {model}/model.onnx
platform: onnxruntime-int8
calibration: {{path: {resolve_link(model / "calib" / "x.npy")}, preprocess: {model}/meta.json, limit: 512{labels}}}
evaluate: {{path: {resolve_link(model / "test" / "x.npy")}, labels: {resolve_link(model / "test" / "y.npy")}}}
passes: {PASSES.format(passes)}
{overrides}""")
    done = subprocess.run([options.halftone, "run", pipeline, "--json", folder / "figures.json"], check=True, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    size = re.search(r"size (\d+(?:\.\d+)?(?:e\+\d+)?) bytes", done.stderr)
    seconds = re.search(r"(?:measured|second-order)-sensitivity: .*\((\d+\.\d+) s\)", done.stderr)
    figures = json.loads((folder / "figures.json").read_text())
    return (size[1] if size else "", f"{100 * figures['top1']:.1f} %", f"{figures['outputs'][0]['noise_to_signal']:.4f}",
            f"{seconds[1]} s" if seconds else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--shared")
    parser.add_argument("--model", default="resnet20-cifar10")
    parser.add_argument("--samples", type=int, default=64, help="of the table of sensitivities")
    options = parser.parse_args()
    model = shared_folder(options.shared) / "models" / options.model
    ways = {"8 bits": ("", ""), "4 bits": uniform(4), "3 bits": uniform(3)}
    for loss, share, candidates in (("noise", 0.5, '["2", "4", "8"]'), ("kl", 0.5, '["2", "4", "8"]'), ("kl", 0.5, FINE),
                                    ("kl", 0.375, FINE)):
        ways[f"{loss}, {share:g} of 8 bits, {candidates.count(',') + 1} widths"] = mixed(loss, share, candidates, options.samples)
    for share in (0.5, 0.375):
        for settings in ("loss: kl", "loss: cross-entropy", "loss: kl, estimate: eigenvalue, probes: 10, tolerance: 0.05"):
            name = "eigenvalue, kl" if "eigenvalue" in settings else f"trace, {settings[6:]}"
            ways[f"{name}, {share:g} of 8 bits, 6 widths"] = estimated(settings, share, samples=options.samples)
    print(f"{'weights':<44} {'bytes':>10} {'top-1':>8} {'noise':>8} {'table':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (passes, overrides) in ways.items():
            size, top1, noise, seconds = run(options, model, Path(folder), passes, overrides)
            print(f"{name:<44} {size:>10} {top1:>8} {noise:>8} {seconds:>8}", flush=True)


if __name__ == "__main__":
    main()
