#!/usr/bin/env python3
"""What the passes that train bring on the models at hand, beside plain rounding.

    reconstruction.py --halftone BIN [--shared FOLDER] [--only NAME] [--json FILE]

Each row is one run: weights of 4 bits and activations of 8 or 4 (first and last layer 8), or 8 and 8. Passes when the loss of
top-1 is at most what the row allows. Says so and ends well when the models are not there: they are not part of this repository.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from model_files import resolve_link, shared_folder

PLATFORMS = Path(__file__).resolve().parents[3] / "plugins/platforms"
BEFORE = ["unify-floats", "constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code"]
MIDDLE = ["assign-configs", "quantize-fusion", "quantize-simplify", "parameter-quantize", "weight-scale-search",
          "runtime-calibration", "quant-alignment"]
AFTER = ["passive-parameter-quantize", "parameter-baking"]
ENDS = [{"match": {"node": node}, "set": {"inputs": {0: {"bits": 8}}, "weights": {"bits": 8}}}
        for node in ("/conv1/Conv", "/linear/Gemm")]
RESNET, MOBILENET2, MOBILENET1 = "resnet20-cifar10", "mobilenetv2-cifar10", "mobilenetv1-025-imagenet"
ROUNDING = {"steps": 200, "lr": 0.01, "batch": 16}
STEP_SIZES = {"steps": 500, "batch": 4, "lr": 0.0004, "scale_lr": 0.0004, "block_size": 12}
# Name: model, platform, passes before configs are assigned, passes that train, most points below float (none: no limit).
ROWS = {
    "w4a8-plain": (RESNET, "w4a8", [], [], None),
    "w4a8": (RESNET, "w4a8", [], [{"blockwise-reconstruction": ROUNDING}], 1.0),
    "w4a4-plain": (RESNET, "w4a4", [], [], None),
    "w4a4": (RESNET, "w4a4", [], [{"qdrop": {**ROUNDING, "steps": 300, "scale_lr": 0.0004}}], 3.5),
    "mobilenetv2-w4a8-plain": (MOBILENET2, "w4a8", [], [], None),
    "mobilenetv2-w4a8": (MOBILENET2, "w4a8", [], [{"blockwise-reconstruction": ROUNDING}], 2.5),
    "w8a8-plain": (RESNET, "tensorrt-int8", [], [], None),
    "w8a8": (RESNET, "tensorrt-int8", [], [{"learned-step-size": {"steps": 200, "block_size": 4}}], 1.0),
    "mobilenetv1-w8a8-plain": (MOBILENET1, "tensorrt-int8", [], [], None),
    "mobilenetv1-w8a8": (MOBILENET1, "tensorrt-int8", ["activation-equalization"], [{"learned-step-size": STEP_SIZES}], None),
    "mobilenetv1-w8u8-plain": (MOBILENET1, "openvino-int8", [], [], None),
    "mobilenetv1-w8u8": (MOBILENET1, "openvino-int8", ["activation-equalization"], [{"learned-step-size": STEP_SIZES}], 1.0),
}


def write_platforms(folder):
    text = (PLATFORMS / "tensorrt-int8.platform.yaml").read_text()
    text = text.replace("weight: {bits: 8", "weight: {bits: 4").replace("id: tensorrt-int8", "id: w4a8")
    (folder / "w4a8.platform.yaml").write_text(text)
    text = (PLATFORMS / "onnxruntime-int8.platform.yaml").read_text()
    text = text[:text.index("settings:")] + text[text.index("types:\n  activation:"):]  # they are about 8 bits
    for old, new in (("id: onnxruntime-int8", "id: w4a4"), ("{bits: 8, signed: false", "{bits: 4, signed: false"),
                     ("weight: {bits: 8, min: -127, max: 127,", "weight: {bits: 4, min: -8, max: 7,")):
        if old not in text:
            raise SystemExit(f"the platform is not written as it was: no '{old}'")
        text = text.replace(old, new)
    (folder / "w4a4.platform.yaml").write_text(text)


def run(options, folder, name):
    model, platform, early, trained, _ = ROWS[name]
    home = (options.shared / "models" / model).resolve()
    data = {kind: {key: str(resolve_link(home / kind / f"{key}.npy")) for key in ("x", "y")} for kind in ("calib", "test")}
    text = {"halftone": 1, "model": str(home / "model.onnx"), "platform": platform,
            "calibration": {"path": data["calib"]["x"], "preprocess": str(home / "meta.json"), "limit": 512},
            "evaluate": {"path": data["test"]["x"], "labels": data["test"]["y"]},
            "passes": BEFORE + early + MIDDLE + trained + AFTER, "export": [{"path": str(folder / f"{name}.onnx")}]}
    if platform == "w4a4":
        text["overrides"] = ENDS
    (folder / f"{name}.yaml").write_text(json.dumps(text))
    begin = time.time()
    done = subprocess.run([options.halftone, "run", folder / f"{name}.yaml", "--plugin-path", folder, "--quiet", "--json",
                           folder / f"{name}.json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stdout.strip()}")
    figures = json.loads((folder / f"{name}.json").read_text())
    return {**figures, "seconds": time.time() - begin}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--shared")
    parser.add_argument("--only", action="append", choices=ROWS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    try:
        options.shared = shared_folder(options.shared)
    except SystemExit as missing:
        print(f"nothing compared: {missing}")
        return 0
    options.halftone = options.halftone.resolve()
    worse, rows = [], {}
    print("| run | model | float top-1 | top-1 | noise/signal | seconds |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        write_platforms(Path(folder))
        for name in options.only or ROWS:
            figures = rows[name] = run(options, Path(folder), name)
            noise = sum(output["noise_to_signal"] for output in figures["outputs"])
            print(f"| {name} | {ROWS[name][0]} | {100 * figures['float_top1']:.2f} | {100 * figures['top1']:.2f} | {noise:.6f} | "
                  f"{figures['seconds']:.1f} |", flush=True)
            allowed = ROWS[name][4]
            if allowed is not None and 100 * (figures["float_top1"] - figures["top1"]) > allowed + 1e-9:
                worse.append(name)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if worse:
        print("below what is asked:", ", ".join(worse))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
