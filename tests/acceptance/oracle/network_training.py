#!/usr/bin/env python3
"""What training of the whole quantized network brings, beside plain rounding.

    network_training.py --halftone BIN [--shared FOLDER] [--only glyphs|mobilenetv1] [--pictures N] [--epochs N]

`glyphs`: the example model with weights and activations of 4 bits (first and last layer 8), trained with the labels of pictures that its
generator makes with another seed than that of the test set (needs /usr/bin/python3 with PIL and the fonts of examples/glyphs); also judged on
4000 more pictures. `mobilenetv1`: 8 bits, the float model as the teacher.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy

import reconstruction as settings
from model_files import resolve_link, shared_folder

GLYPHS = Path(__file__).resolve().parents[3] / "examples/glyphs"
ENDS = ("/stem/stem.0/Conv", "/classifier/Gemm")
BY_LABELS = {"epochs": 6, "batch": 64, "lr": 0.004, "scale_lr": 0.002, "labels": 1, "error": 0, "warm_up": 50, "validation": 1000, "batch_norm": "train"}
TRAINING_SEED, MORE = 1, 4000
BY_TEACHER = {"epochs": 40, "batch": 8, "lr": 0.0001, "scale_lr": 0.0001, "validation": 8, "measure": "noise"}


def glyphs(options, folder):
    sys.path.insert(0, str(GLYPHS))
    import render  # noqa: PLC0415  # needs PIL and fonts
    for name, pictures in (("", render.render_set("train", options.pictures, TRAINING_SEED)), ("more_", render.render_set("fresh", MORE))):
        for kind, array in zip("xy", pictures):
            numpy.save(folder / f"{name}{kind}.npy", array)
    recipe = {**BY_LABELS, "epochs": options.epochs, "validation": min(BY_LABELS["validation"], options.pictures // 10)}
    return {"model": str(GLYPHS / "model.onnx"), "platform": "w4a4",
            "calibration": {"path": str(folder / "x.npy"), "labels": str(folder / "y.npy"), "preprocess": str(GLYPHS / "meta.json")},
            "evaluate": {"path": str(GLYPHS / "test/x.npy"), "labels": str(GLYPHS / "test/y.npy")},
            "overrides": [{"match": {"node": node}, "set": {"inputs": {0: {"bits": 8}}, "weights": {"bits": 8}}} for node in ENDS],
            "passes": ["layerwise-equalization", {"quantization-aware-training": recipe}]}


def mobilenetv1(options, folder):
    home = (shared_folder(options.shared) / "models" / settings.MOBILENET1).resolve()
    data = {kind: {key: str(resolve_link(home / kind / f"{key}.npy")) for key in ("x", "y")} for kind in ("calib", "test")}
    return {"model": str(home / "model.onnx"), "platform": "tensorrt-int8",
            "calibration": {"path": data["calib"]["x"], "preprocess": str(home / "meta.json")},
            "evaluate": {"path": data["test"]["x"], "labels": data["test"]["y"]},
            "passes": ["activation-equalization", {"quantization-aware-training": BY_TEACHER}]}


def top1_of_more(options, folder, model):
    """Of the pictures that are not in the example's small test set; nothing where a model has none."""
    if not (folder / "more_x.npy").exists():
        return ""
    subprocess.run([options.halftone.resolve(), "evaluate", model, "--data", folder / "more_x.npy", "--labels", folder / "more_y.npy",
                    "--preprocess", GLYPHS / "meta.json", "--quiet", "--json", folder / "more.json"], check=True)
    return f", {MORE} more pictures {100 * json.loads((folder / 'more.json').read_text())['top1']:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--shared")
    parser.add_argument("--only", choices=("glyphs", "mobilenetv1"))
    parser.add_argument("--pictures", type=int, default=48000)
    parser.add_argument("--epochs", type=int, default=BY_LABELS["epochs"])
    options = parser.parse_args()
    for make in (glyphs, mobilenetv1):
        if options.only not in (None, make.__name__):
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            settings.write_platforms(folder)
            text = {"halftone": 1, **make(options, folder), "export": [{"path": str(folder / "out.onnx")}]}
            early, training = text["passes"]
            text["passes"] = [*settings.BEFORE, early, *settings.MIDDLE, training, *settings.AFTER]
            (folder / "run.yaml").write_text(json.dumps(text))
            subprocess.run([options.halftone.resolve(), "run", folder / "run.yaml", "--plugin-path", folder, "--quiet", "--json",
                            folder / "run.json"], check=True)
            figures = json.loads((folder / "run.json").read_text())
            float_more, more = (top1_of_more(options, folder, model) for model in (text["model"], folder / "out.onnx"))
        noise = sum(output["noise_to_signal"] for output in figures["outputs"])
        print(f"{make.__name__}: float {100 * figures['float_top1']:.2f}{float_more}; trained {100 * figures['top1']:.2f}{more}; "
              f"noise/signal {noise:.6f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
