#!/usr/bin/env python3
"""Times whole `halftone quantize` runs and plain float inference of the same pictures in ONNX Runtime.

    calibration.py --halftone BIN --modules DIR [--model FOLDER] [--file NAME] [--limit N] [--runs N] [--observer NAME ...]

Each run is a fresh process; the runs of all rows take turns, so that a slow moment of the machine falls on all of them. Prints
the median wall time, the largest resident set (VmHWM, as each process reads it of itself) and the ratio to the inference.
--modules is a folder with ONNX Runtime's npm package (the consumer test makes one: BUILD_DIR/consumer).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "acceptance" / "oracle"))
from model_files import resolve_link  # noqa: E402


def run(command, figures):
    """Seconds of wall time, and the figures that the process wrote."""
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")
    return seconds, json.loads(figures.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--modules", required=True)
    shared = os.environ.get("HALFTONE_SHARED")
    parser.add_argument("--model", type=Path, default=Path(shared) / "models" / "resnet20-cifar10" if shared else None)
    parser.add_argument("--file", default="model.onnx", help="the model's file in the folder")
    parser.add_argument("--platform", default="tensorrt-int8")
    parser.add_argument("--limit", type=int, default=512)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--observer", action="append")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.model is None:
        parser.error("give --model FOLDER, or set HALFTONE_SHARED")
    data = resolve_link(options.model / "calib" / "x.npy")
    onnx, meta = options.model / options.file, options.model / "meta.json"

    with tempfile.TemporaryDirectory() as folder:
        figures_file = Path(folder) / "figures.json"
        inference = ["node", str(HERE / "inference.mjs"), options.modules, str(onnx), str(meta), str(data), str(options.limit),
                     str(options.threads), str(figures_file)]
        rows = {"float inference": inference}
        for observer in options.observer or ("minmax", "percentile", "kl", "mse"):
            rows[f"quantize, {observer}"] = [
                options.halftone, "quantize", str(onnx), "--platform", options.platform, "--observer", observer,
                "--calibration", str(data), "--preprocess", str(meta), "--limit", str(options.limit),
                "--threads", str(options.threads), "-o", f"{folder}/out.onnx", "--json", str(figures_file),
                "--quiet"]
        seconds, memory = {name: [] for name in rows}, {name: 0.0 for name in rows}
        for _ in range(options.runs):
            for name, command in rows.items():
                taken, figures = run(command, figures_file)
                # Of the inference only the loop over the pictures counts, not the start of interpreter and library.
                seconds[name].append(figures["seconds"] if command is inference else taken)
                memory[name] = max(memory[name], figures["peak_memory_bytes"] / 2**20)

    base = statistics.median(seconds["float inference"])
    print(f"{options.model.name}/{options.file}, {options.limit} samples, {options.threads} threads, {options.platform}, "
          f"median of {options.runs}")
    print(f"{'':<24}{'seconds':>10}{'least':>10}{'most':>10}{'MiB':>8}{'ratio':>8}")
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"{name:<24}{middle:>10.3f}{min(values):>10.3f}{max(values):>10.3f}{memory[name]:>8.0f}{middle / base:>8.2f}")
    if options.json:
        options.json.write_text(json.dumps({"seconds": seconds, "peak_mib": memory}, indent=1) + "\n")


if __name__ == "__main__":
    main()
