#!/usr/bin/env python3
"""Quantizes the models that the reference values have accuracies for, and prints ours beside the best of theirs.

    accuracy.py --halftone BIN [--platform NAME ...] [--model NAME ...] [--observer NAME] [--json FILE]

"Best" is the row with the least noise among those without training on the same grid: symmetric rows for a platform with
symmetric activations, asymmetric ones otherwise. Rows of platforms that quantize less (outputs left in float) or more coarsely
(powers of two) are not on the same grid. ONNX Runtime's rows are those without graph optimization, which show the scales and
not the saturation of its kernels. Passes when noise/signal is no higher and the agreement no lower than that row's, and when top-1
is no more than two standard errors below that of the float model. The error is that of the difference on the same samples
("paired"). For mobilenetv1-025, where both tools lose ten points at every setting, top-1 must not be below the best row's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from model_files import data_arguments, shared_folder, test_arguments

SYMMETRIC = ("TRT_INT8", "OPENVINO_INT8", "PPL_CUDA_INT8", "ONNXRUNTIME")
ASYMMETRIC = ("PPL_DSP_INT8",)
TRAINED = ("lsq",)
HARD = ("mobilenetv1-025-imagenet",)
GRIDS = {"tensorrt-int8": "symmetric", "ppq-trt-int8": "symmetric", "onnxruntime-int8": "asymmetric", "openvino-int8": "asymmetric"}


def row(name, figures):
    noise = figures["output_snr_error"]
    return {"name": name, "noise": sum(noise) / len(noise), "top1": figures.get("top1"),
            "agreement": figures.get("top1_agree_fp32")}


def reference_rows(shared, model, grid):
    platforms = SYMMETRIC if grid == "symmetric" else ASYMMETRIC
    rows = []
    for name, figures in json.loads((shared / "oracle/ppq" / model / "accuracy.json").read_text()).items():
        parts = name.split(".")
        if parts[0] in platforms and "output_snr_error" in figures and parts[-1] not in TRAINED:
            rows.append(row(f"PPQ {name}", figures))
    ending = "s8sym" if grid == "symmetric" else "u8asym"
    for file in sorted((shared / "oracle/ort" / model).glob(f"*.{ending}.json")):
        rows.append(row(f"ORT {file.stem}", json.loads(file.read_text())["no_graph_optimization"]))
    return rows


def ours(halftone, shared, model, platform, extra):
    with tempfile.TemporaryDirectory() as folder:
        figures_file = Path(folder) / "figures.json"
        command = [halftone, "quantize", *data_arguments(shared, model), *test_arguments(shared, model), "--platform", platform,
                   *extra, "--json", str(figures_file), "-o", str(Path(folder) / "int8.onnx"), "--quiet"]
        run = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode != 0:
            raise RuntimeError(f"ended with {run.returncode}: {run.stderr.strip()}")
        figures = json.loads(figures_file.read_text())
    noise = [output["noise_to_signal"] for output in figures["outputs"]]
    labelled = "top1" in figures

    def percent(key):
        return 100 * figures[key] if labelled and key in figures else None

    return {"noise": sum(noise) / len(noise), "top1": percent("top1"), "agreement": percent("agreement"),
            "top1_change_error": percent("top1_change_error"),
            "float_top1": percent("float_top1"), "seconds": figures["seconds"], "peak_memory_bytes": figures["peak_memory_bytes"]}


def text(value):
    return "-" if value is None else f"{value:.2f}"


def no_worse(a, b):
    """For figures where more is better; nothing to compare counts as passed."""
    return a is None or b is None or a >= b - 1e-4


def top1_holds(model, mine, rows):
    """Whether top-1 is as it has to be, and a word on it."""
    if mine["top1"] is None:
        return True, "-"
    change, error = mine["top1"] - mine["float_top1"], mine["top1_change_error"]
    if change >= -2 * error:
        return True, "ok"
    best = max(r["top1"] for r in rows)
    if model in HARD and mine["top1"] >= best - 1e-4:
        return True, f"best {best:.2f}"
    return False, "FAIL"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--shared", help="folder with models/ and oracle/ (default: HALFTONE_SHARED)")
    parser.add_argument("--platform", action="append", help="default: tensorrt-int8 and onnxruntime-int8")
    parser.add_argument("--grid", choices=("symmetric", "asymmetric"), help="of the platform's activations, where unknown here")
    parser.add_argument("--model", action="append")
    parser.add_argument("--observer", help="for every activation, instead of the platform's choice")
    parser.add_argument("--preset", help="passes of a preset instead of the platform's")
    parser.add_argument("--json", type=Path, help="write the rows")
    options = parser.parse_args()
    shared = shared_folder(options.shared)
    extra = [word for name in ("observer", "preset") if getattr(options, name) for word in (f"--{name}", getattr(options, name))]

    layout = "{:<26}{:<18}{:>8}{:>8}{:>8}{:>7}{:>8}{:>11}   {:<34}{:>8}{:>8}{:>11}  {:<6}{:<8}{:<6}"
    print(layout.format("model", "platform", "float", "top-1", "change", "error", "agrees", "noise", "best reference row", "top-1",
                        "agrees", "noise", "noise", "agrees", "top-1"))
    rows, failed = [], 0
    for model in options.model or sorted(p.name for p in (shared / "oracle" / "ppq").iterdir()):
        for platform in options.platform or ("tensorrt-int8", "onnxruntime-int8"):
            grid = options.grid or GRIDS.get(platform)
            if grid is None:
                parser.error(f"is '{platform}' symmetric or asymmetric? say --grid")
            references = reference_rows(shared, model, grid)
            best = min(references, key=lambda r: r["noise"])
            try:
                mine = ours(options.halftone, shared, model, platform, extra)
            except RuntimeError as error:
                print(f"{model:<26}{platform:<18}{error}")
                failed += 1
                continue
            noise_ok = mine["noise"] <= best["noise"]
            agrees_ok = no_worse(mine["agreement"], best["agreement"])
            top1_ok, top1_note = top1_holds(model, mine, references)
            failed += not (noise_ok and agrees_ok and top1_ok)
            change = None if mine["top1"] is None else mine["top1"] - mine["float_top1"]
            print(layout.format(model, platform, text(mine["float_top1"]), text(mine["top1"]), text(change),
                                text(mine["top1_change_error"]), text(mine["agreement"]), f"{mine['noise']:.6f}", best["name"],
                                text(best["top1"]), text(best["agreement"]), f"{best['noise']:.6f}", "ok" if noise_ok else "FAIL",
                                "ok" if agrees_ok else "FAIL", top1_note))
            rows.append({"model": model, "platform": platform, "ours": mine, "best": best, "noise_ok": noise_ok,
                         "agreement_ok": agrees_ok, "top1_ok": top1_ok})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"accuracy: {len(rows) - sum(not (r['noise_ok'] and r['agreement_ok'] and r['top1_ok']) for r in rows)} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
