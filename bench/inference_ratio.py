#!/usr/bin/env python3
"""Times plain float inference: the executor onednn against ONNX Runtime, on every convolutional network there is and on transformers.

    inference_ratio.py --halftone BIN --modules DIR [--shared FOLDER] [--model NAME ...] [--rounds N] [--json FILE]

What is timed on both sides: runs of samples that lie in memory, preprocessed, in an open session that has run a sample before;
opening is told apart (`open`). ONNX Runtime runs one sample at a time on --threads threads with all graph optimizations,
`halftone profile` one sample on each of as many workers, taking no times of nodes. Both get the same samples, equally often: as
often as fill about --seconds. Each round is a process of either side, one after the other; the ratio is that of the medians, and
besides wall time there is that of processor time, which a loaded machine disturbs less.

--modules is a folder with ONNX Runtime's npm package (the consumer test makes one: BUILD_DIR/consumer). Networks of random
weights are written by random_models.py, with an interpreter that has onnx and numpy (--python).
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "acceptance" / "oracle"))
from model_files import resolve_link  # noqa: E402

CONVOLUTIONAL = ("lprnet", "mnist-cntk", "mobilenetv1-025-imagenet", "mobilenetv2-cifar10", "ppocr-v2-cls", "resnet20-cifar10",
                 "rfb320-face", "squeezenet-imagenet")
TRANSFORMERS = ("vit-tiny-cifar10", "encoder-128-random")
RANDOM = ("mobilenetv2-224-random", "resnet50-224-random", "encoder-128-random")
LIMIT = 32


def run(command, figures):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr}")
    return json.loads(figures.read_text())


class Subject:
    """A model with its samples, and the command of each side."""

    def __init__(self, name, folder, options, figures):
        self.name, self.options, self.figures = name, options, figures
        self.model = folder / "model.onnx"
        self.random = name in RANDOM
        self.data = folder / "x.npy" if self.random else resolve_link(folder / "calib" / "x.npy")
        self.meta = None if self.random else folder / "meta.json"

    def ours(self, runs):
        command = [self.options.halftone, "profile", self.model, "--data", self.data, "--limit", LIMIT, "--runs", runs, "--threads",
                   self.options.threads, "--json", self.figures, "--quiet"]
        if self.meta:
            command += ["--preprocess", self.meta]
        return run([str(part) for part in command], self.figures)

    def theirs(self, runs):
        return run(["node", str(HERE / "inference_loop.mjs"), self.options.modules, str(self.model),
                    str(self.meta or "-"), str(self.data), str(LIMIT), str(self.options.threads), str(runs), str(self.figures)],
                   self.figures)

    def measure(self):
        once = self.theirs(1)
        runs = max(1, round(self.options.seconds / max(once["seconds"], 1e-4)))
        rounds = [(self.ours(runs), self.theirs(runs)) for _ in range(self.options.rounds)]
        row = {"model": self.name, "samples": rounds[0][0]["samples"]}
        for side, index in (("ours", 0), ("theirs", 1)):
            assert all(r[index]["samples"] == row["samples"] for r in rounds), "the two sides ran a different number of samples"
            for what, key in (("wall", "seconds"), ("cpu", "cpu_seconds")):
                row[f"{side}_{what}_ms"] = 1000 * statistics.median(r[index][key] for r in rounds) / row["samples"]
            row[f"{side}_open_ms"] = 1000 * statistics.median(r[index]["first_seconds"] for r in rounds)
        row["wall_ratio"] = row["ours_wall_ms"] / row["theirs_wall_ms"]
        row["cpu_ratio"] = row["ours_cpu_ms"] / row["theirs_cpu_ms"]
        return row


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--modules", required=True)
    parser.add_argument("--shared", default=os.environ.get("HALFTONE_SHARED"), help="folder with models/; or HALFTONE_SHARED")
    parser.add_argument("--model", action="append", help="only this one; may be repeated")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter with onnx and numpy")
    parser.add_argument("--random", type=Path, help="folder that keeps the networks of random weights")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.shared is None:
        parser.error("give --shared FOLDER, or set HALFTONE_SHARED")

    with tempfile.TemporaryDirectory() as temporary:
        folder = options.random or Path(temporary) / "random"
        names = options.model or list(dict.fromkeys([*CONVOLUTIONAL, *RANDOM, *TRANSFORMERS]))
        if set(names) & set(RANDOM) and not all((folder / name / "x.npy").exists() for name in RANDOM):
            subprocess.run([options.python, str(HERE / "random_models.py"), str(folder)], check=True)
        print(f"{options.threads} threads, median of {options.rounds} rounds; milliseconds for one sample")
        print(f"{'model':<26}{'ours':>9}{'theirs':>9}{'ratio':>7}{'cpu':>9}{'theirs':>9}{'ratio':>7}{'open':>8}{'theirs':>8}")
        rows = []
        for name in names:
            base = folder if name in RANDOM else Path(options.shared) / "models"
            row = Subject(name, base / name, options, Path(temporary) / "figures.json").measure()
            rows.append(row)
            print(f"{name:<26}{row['ours_wall_ms']:>9.3f}{row['theirs_wall_ms']:>9.3f}{row['wall_ratio']:>7.2f}"
                  f"{row['ours_cpu_ms']:>9.3f}{row['theirs_cpu_ms']:>9.3f}{row['cpu_ratio']:>7.2f}{row['ours_open_ms']:>8.1f}"
                  f"{row['theirs_open_ms']:>8.1f}", flush=True)
    convolutional = [row for row in rows if row["model"] not in TRANSFORMERS]
    transformers = [row for row in rows if row["model"] in TRANSFORMERS]
    for kind, group in (("convolutional", convolutional), ("transformers", transformers)):
        if not group:
            continue
        worst = max(group, key=lambda row: row["wall_ratio"])
        print(f"{kind}: geometric mean of the ratios: wall {geometric_mean([r['wall_ratio'] for r in group]):.3f}, "
              f"processor {geometric_mean([r['cpu_ratio'] for r in group]):.3f}; worst {worst['wall_ratio']:.2f} ({worst['model']})")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
