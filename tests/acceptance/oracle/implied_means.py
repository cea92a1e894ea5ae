#!/usr/bin/env python3
"""Bias correction from batch normalization alone beside the same from measured means.

    implied_means.py --halftone BIN [--shared FOLDER] [--json FILE]

Each model is quantized three times: without correction, with `bias-correction: {mode: analytic}`, whose means of the layers'
inputs are measured on calibration data, and with `mode: batch-norm`, whose means follow from the normalizations. Both add to
each bias the same rounding errors times these means, so what they add is compared: correlation over all channels, and the
energy of the difference relative to that of the measured correction. Then noise/signal at the outputs and top-1 of the three.

Passes when the correlation is at least 0.9 and the noise is not above that without correction by more than a tenth.
Says so and ends well when the models are not there: they are not part of this repository.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from model_files import data_settings, shared_folder, test_arguments

MODELS = ("mobilenetv2-cifar10", "resnet20-cifar10")
BEFORE = ["constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code", "assign-configs",
          "quantize-fusion", "quantize-simplify", "parameter-quantize", "runtime-calibration", "quant-alignment"]
AFTER = ["passive-parameter-quantize", "parameter-baking"]
BITS = 4  # of weights: enough error that there is something to correct


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()}")


def write_platform(folder):
    source = Path(__file__).resolve().parents[3] / "plugins/platforms/tensorrt-int8.platform.yaml"
    text = source.read_text().replace("weight: {bits: 8", f"weight: {{bits: {BITS}").replace("id: tensorrt-int8", "id: narrow")
    (folder / "narrow.platform.yaml").write_text(text)


def quantized(options, folder, model, name, correction):
    """Biases by node, and the figures of an evaluation."""
    import onnx
    from onnx import numpy_helper
    settings = data_settings(options.shared, model)
    settings["model"] = str(options.shared / "models" / model / "model_bn_unfused.onnx")
    test = test_arguments(options.shared, model)
    text = {"halftone": 1, **settings, "platform": "narrow", "passes": BEFORE + correction + AFTER,
            "evaluate": {"path": test[1], **({"labels": test[3]} if len(test) > 2 else {})},
            "export": [{"path": str(folder / f"{name}.onnx")}]}
    (folder / f"{name}.yaml").write_text(json.dumps(text))
    figures = folder / f"{name}.json"
    run([options.halftone, "run", folder / f"{name}.yaml", "--plugin-path", folder, "--quiet", "--json", figures])
    graph = onnx.load(str(folder / f"{name}.onnx")).graph
    stored = {tensor.name: numpy_helper.to_array(tensor).astype(float).ravel() for tensor in graph.initializer
              if tensor.data_type == onnx.TensorProto.FLOAT}
    biases = {node.name: stored[node.input[2]] for node in graph.node
              if node.op_type in ("Conv", "Gemm") and len(node.input) > 2 and node.input[2] in stored}
    return biases, json.loads(figures.read_text())


def noise(figures):
    return sum(output["noise_to_signal"] for output in figures["outputs"]) / len(figures["outputs"])


def compare(options, folder, model):
    import numpy
    plain, without = quantized(options, folder, model, "plain", [])
    measured, with_data = quantized(options, folder, model, "measured", [{"bias-correction": {"mode": "analytic"}}])
    implied, from_norms = quantized(options, folder, model, "implied", [{"bias-correction": {"mode": "batch-norm"}}])
    by_data, by_norms, layers = [], [], 0
    for name, bias in implied.items():
        added = bias - plain.get(name, numpy.zeros_like(bias))
        if not added.any():
            continue
        layers += 1
        by_norms.append(added)
        by_data.append(measured[name] - plain.get(name, numpy.zeros_like(bias)))
    a, b = numpy.concatenate(by_data), numpy.concatenate(by_norms)
    row = {"model": model, "layers": layers, "of": len(implied), "channels": len(a),
           "correlation": float(numpy.corrcoef(a, b)[0, 1]), "noise_to_signal": float(((a - b) ** 2).sum() / (a**2).sum()),
           "least_correlation": min(float(numpy.corrcoef(x, y)[0, 1]) for x, y in zip(by_data, by_norms)
                                    if (y**2).sum() > 1e-3 * (x**2).sum()),
           "without_means": sum(int((y**2).sum() <= 1e-3 * (x**2).sum()) for x, y in zip(by_data, by_norms)),
           "noise": [noise(f) for f in (without, with_data, from_norms)], "top1": [f.get("top1") for f in (without, with_data, from_norms)]}
    row["good"] = row["correlation"] >= 0.9 and row["noise"][2] <= 1.1 * row["noise"][0]
    print(f"{model}: {layers} of {row['of']} layers, {len(a)} channels: correlation {row['correlation']:.3f} "
          f"(worst layer {row['least_correlation']:.3f}, {row['without_means']} with means of 0 left out), noise/signal of the correction {row['noise_to_signal']:.3f}")
    for name, value, top1 in zip(("without", "analytic", "batch-norm"), row["noise"], row["top1"]):
        print(f"  {name:<11} noise/signal at the outputs {value:.5f}" + (f", top-1 {100 * top1:.2f} %" if top1 is not None else ""))
    print("  " + ("ok" if row["good"] else "MISSED"), flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--shared")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    if not options.shared and not os.environ.get("HALFTONE_SHARED"):
        print("skipped: HALFTONE_SHARED does not say where the models are")
        return 0
    try:
        import numpy  # noqa: F401
        import onnx  # noqa: F401
    except ImportError:
        print("skipped: python3 has no numpy or onnx")
        return 0
    options.shared = shared_folder(options.shared)
    with tempfile.TemporaryDirectory() as folder:
        write_platform(Path(folder))
        rows = [compare(options, Path(folder), model) for model in MODELS]
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1))
    return 0 if all(row["good"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
