#!/usr/bin/env python3
"""Measures what Halftone promises for quantizing a model, and prints it in one table: what, how far it has to reach, what it is.

    figures.py --halftone BIN [--shared FOLDER] [--json FILE]

Needs models and stored values of other quantizers that the repository does not hold (--shared, or HALFTONE_SHARED). The time is
set against the one stored for PPQ, which was taken on another machine of two cores. Exit code 1 when a figure falls short.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "acceptance" / "oracle"))
import accuracy  # noqa: E402
import compare_configs  # noqa: E402
import startup  # noqa: E402
from config_difference import is_equal, largest_and_median  # noqa: E402
from model_files import data_settings, shared_folder, test_arguments  # noqa: E402
from ppq_runs import PLATFORMS, runs_of  # noqa: E402

LAYOUT = "{:<64}{:<34}{:<52}{}"


class Figures:
    def __init__(self, options):
        self.halftone = str(options.halftone.resolve())
        self.shared = shared_folder(options.shared)
        self.rows = []
        print(LAYOUT.format("figure", "reach", "measured", ""))

    def add(self, what, reach, measured, good):
        self.rows.append({"figure": what, "reach": reach, "measured": measured, "ok": bool(good)})
        print(LAYOUT.format(what, reach, measured, "ok" if good else "FALLS SHORT"), flush=True)

    def attempt(self, measure, *arguments):
        """A run that fails is a figure that falls short; the others are still measured."""
        try:
            measure(self, *arguments)
        except RuntimeError as error:
            self.add(f"{measure.__name__}{arguments[:2]}", "a run that ends", str(error)[:50], False)

    def quantize(self, model, folder, *arguments, file=None, test=True):
        """One whole run over every calibration sample: its figures, and the seconds of the process."""
        settings = data_settings(self.shared, model)
        onnx = self.shared / "models" / model / file if file else settings["model"]
        command = [self.halftone, "quantize", str(onnx), "--calibration", settings["calibration"]["path"], "--preprocess",
                   settings["calibration"]["preprocess"], "-o", f"{folder}/out.onnx", "--configs-out", f"{folder}/configs.json",
                   "--json", f"{folder}/figures.json", "--quiet", *(test_arguments(self.shared, model) if test else ()), *arguments]
        start = time.perf_counter()
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise RuntimeError(f"ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(Path(folder, "figures.json").read_text()), seconds


def top1_after(figures, model, platform, most_lost, folder, file=None):
    result, _ = figures.quantize(model, folder, "--platform", platform, file=file)
    lost = 100 * (result["float_top1"] - result["top1"])
    figures.add(f"{model}{'/' + file if file else ''}, {platform}: top-1", f"at most {most_lost} points below float",
                f"{100 * result['top1']:.2f} of {100 * result['float_top1']:.2f}", lost <= most_lost + 1e-9)


def accuracy_rows(figures):
    for model in sorted(p.name for p in (figures.shared / "oracle" / "ppq").iterdir()):
        for platform in ("tensorrt-int8", "onnxruntime-int8"):
            references = accuracy.reference_rows(figures.shared, model, accuracy.GRIDS[platform])
            best = min(references, key=lambda row: row["noise"])
            mine = accuracy.ours(figures.halftone, figures.shared, model, platform, [])
            figures.add(f"{model}, {platform}: noise/signal", f"at most {best['noise']:.6f} ({best['name'].split('.')[0]})",
                        f"{mine['noise']:.6f}", mine["noise"] <= best["noise"])
            if mine["top1"] is None:
                continue
            figures.add(f"{model}, {platform}: agreement", f"at least {best['agreement']:.2f} %", f"{mine['agreement']:.2f} %",
                        accuracy.no_worse(mine["agreement"], best["agreement"]))
            good, note = accuracy.top1_holds(model, mine, references)
            figures.add(f"{model}, {platform}: top-1", "float - 2 paired errors" if note == "ok" else f"{note}, of all rows",
                        f"{mine['top1']:.2f} of {mine['float_top1']:.2f}, error {mine['top1_change_error']:.2f}", good)


def ppq_rows(figures, platform):
    """Every stored run of a platform of PPQ with minmax or percentile, variants of its pipeline included."""
    options = argparse.Namespace(halftone=figures.halftone, plugin_path=[], tolerance=1e-3)
    rows = {}
    for folder in sorted((figures.shared / "oracle" / "ppq").iterdir()):
        for _, observer, variant, file in runs_of(folder, compare_configs.OBSERVERS, [platform]):
            report, _ = compare_configs.compare_run(options, figures.shared, folder.name, platform, observer, variant, file)
            row = rows.setdefault(observer, {"runs": 0, "slots": 0, "states": 0, "largest": 0.0, "equal": True})
            row["runs"] += 1
            row["slots"] += report["compared"]
            row["states"] += len(report["states"])
            row["largest"] = max(row["largest"], largest_and_median(report)[0])
            row["equal"] = row["equal"] and is_equal(report)
    for observer, row in sorted(rows.items()):
        figures.add(f"ppq-compat as {platform}, {observer}, {row['runs']} runs", "differences up to 1e-3, all states equal",
                    f"{row['largest']:.2g} over {row['slots']} slots, {row['states']} states differ", row["equal"])


def time_row(figures, folder):
    theirs = json.loads((figures.shared / "oracle" / "times.json").read_text())["times"]["ppq/resnet20-cifar10/kl"]["seconds"]
    runs = [figures.quantize("resnet20-cifar10", folder, "--platform", "tensorrt-int8", "--observer", "kl", "--limit", "512",
                             test=False)[1] for _ in range(5)]
    mine = statistics.median(runs)
    figures.add("resnet20-cifar10, 512 samples, kl: whole quantize", f"4 times faster than {theirs:.2f} s",
                f"{mine:.2f} s, {theirs / mine:.1f} times", theirs / mine >= 4)


def start_rows(figures):
    for name, seconds in startup.measure(Path(figures.halftone), 15, 12).items():
        milliseconds = 1000 * statistics.median(seconds)
        figures.add(f"halftone passes, {name}", "below 50 ms", f"{milliseconds:.1f} ms", milliseconds < 50)


def same_bytes_row(figures, folder):
    seen = set()
    for arguments in (("--threads", "1"), ("--threads", "2"), ("--threads", "2"), ("--batch", "1"), ("--batch", "32")):
        figures.quantize("resnet20-cifar10", folder, "--platform", "onnxruntime-int8", *arguments, test=False)
        seen.add((Path(folder, "out.onnx").read_bytes(), Path(folder, "configs.json").read_bytes()))
    figures.add("resnet20-cifar10: threads 1 and 2, twice, batch 1 and 32", "the same bytes", f"{len(seen)} different result(s)",
                len(seen) == 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--shared")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = Figures(options)
    with tempfile.TemporaryDirectory() as folder:
        figures.attempt(start_rows)
        figures.attempt(time_row, folder)
        figures.attempt(same_bytes_row, folder)
        figures.attempt(top1_after, "resnet20-cifar10", "tensorrt-int8", 0.3, folder)
        for platform in ("tensorrt-int8", "onnxruntime-int8", "openvino-int8"):
            figures.attempt(top1_after, "vit-tiny-cifar10", platform, 1.5, folder)
        figures.attempt(accuracy_rows)
        for platform in PLATFORMS:
            figures.attempt(ppq_rows, platform)
    if options.json:
        options.json.write_text(json.dumps(figures.rows, indent=1) + "\n")
    short = sum(not row["ok"] for row in figures.rows)
    print(f"{len(figures.rows)} figures, {short} fall short")
    sys.exit(1 if short else 0)


if __name__ == "__main__":
    main()
