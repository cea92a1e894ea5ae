#!/usr/bin/env python3
"""Measures what is promised of calibration, beside what a user would use instead, and prints it in tables.

    performance.py --halftone BIN --modules DIR [--shared FOLDER] [--runs N] [--only TABLE ...] [--json FILE]

Tables: `inference` is inference_ratio.py, the executor beside ONNX Runtime. `calibration` is a whole `halftone quantize` (read the
model, run 512 samples, histograms, KL, export) beside plain float inference of the same samples by Halftone (a whole `halftone evaluate`)
and by ONNX Runtime (its loop over the samples alone, 2 threads). `jobs` are whole runs that PPQ and ONNX Runtime's quantizer were
timed on. `scaling` is the whole run by number of samples, threads and batch, whose statistics files and models must be the same bytes.

Each figure is a process of its own; the runs of a table take turns, so that a slow moment of the machine falls on all. Printed are
medians. Where fewer samples exist than a row asks for, they are cycled. --modules is a folder with ONNX Runtime's npm package (the
consumer test makes one: BUILD_DIR/consumer).
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from samples import cycle, read_header

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "acceptance" / "oracle"))
from model_files import resolve_link, shared_folder  # noqa: E402

SAMPLES = 512
# By how they are built: depthwise convolutions compute little for each value that is observed.
DENSE = ("resnet20-cifar10", "squeezenet-imagenet", "lprnet", "resnet50-224-random")
DEPTHWISE = ("mobilenetv1-025-imagenet", "mobilenetv2-cifar10", "rfb320-face", "ppocr-v2-cls", "mobilenetv2-224-random")
# Of PPQ and ONNX Runtime's quantizer on a machine of this kind: times.json of the reference values.
JOBS = (("mobilenetv2-224-random", 32, 0.8, "20.2 s, 386 MB", "9.1 s"), ("resnet20-cifar10", 512, 0.45, "4.1 s", "4.7 s"),
        ("squeezenet-imagenet", 128, 1.2, "12.4 s", "18.7 s, 4.8 GB"))
MIB = 2**20


class Subject:
    """A model with as many samples as are asked for."""

    def __init__(self, bench, name):
        folder = bench.folder / name if name.endswith("-random") else bench.shared / "models" / name
        self.name, self.onnx, self.bench = name, folder / "model.onnx", bench
        self.meta = folder / "meta.json"
        self.source = folder / "x.npy" if name.endswith("-random") else resolve_link(folder / "calib" / "x.npy")

    def samples(self, count):
        target = self.bench.folder / f"{self.name}-{count}.npy"
        if not target.exists():
            with open(self.source, "rb") as file:
                enough = read_header(file)[0][0] == count
            target = self.source if enough else cycle(self.source, count, target)
        return target

    def preprocess(self):
        return ["--preprocess", str(self.meta)] if self.meta.exists() else []

    def quantize(self, count, *more, threads=2):
        return ["quantize", str(self.onnx), "-p", "tensorrt-int8", "--observer", "kl", "-c", str(self.samples(count)),
                *self.preprocess(), "--threads", str(threads), "-o", str(self.bench.folder / "out.onnx"), "-q", *more]

    def evaluate(self, count):
        return ["evaluate", str(self.onnx), "--data", str(self.samples(count)), *self.preprocess(), "--threads", "2", "-q"]


class Bench:
    def __init__(self, options, folder):
        self.halftone, self.modules, self.runs, self.folder = options.halftone.resolve(), options.modules, options.runs, folder
        self.shared = shared_folder(options.shared)
        self.results = {}

    def halftone_run(self, command):
        """Wall seconds and largest resident set of a whole process."""
        start = time.perf_counter()
        process = subprocess.Popen([str(self.halftone), *command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
        return seconds, usage.ru_maxrss * 1024

    def onnxruntime(self, subject, count):
        """Seconds of its loop over the samples."""
        meta = subject.meta if subject.meta.exists() else "-"
        figures = self.folder / "figures.json"
        command = ["node", str(HERE / "inference.mjs"), str(self.modules), str(subject.onnx), str(meta), str(subject.samples(count)),
                   str(count), "2", str(figures)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        return json.loads(figures.read_text())["seconds"]


def median(values):
    return statistics.median(values)


def print_table(title, header, rows):
    print(f"\n{title}")
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    for row in (header, *rows):
        print("  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths, strict=True))), flush=True)


def calibration(bench):
    rows = []
    for kind, names, most in (("dense", DENSE, (1.35, 1.5)), ("depthwise", DEPTHWISE, (1.7, 1.8))):
        for name in names:
            subject = Subject(bench, name)
            whole, plain, theirs, memory = [], [], [], 0
            for _ in range(bench.runs):
                seconds, resident = bench.halftone_run(subject.quantize(SAMPLES))
                whole.append(seconds)
                memory = max(memory, resident)
                plain.append(bench.halftone_run(subject.evaluate(SAMPLES))[0])
                theirs.append(bench.onnxruntime(subject, SAMPLES))
            ratios = (median(whole) / median(plain), median(whole) / median(theirs))
            rows.append((name, kind, SAMPLES, f"{median(whole):.3f}", f"{median(plain):.3f}", f"{ratios[0]:.2f}",
                         "ok" if ratios[0] <= most[0] else f"above {most[0]}", f"{median(theirs):.3f}", f"{ratios[1]:.2f}",
                         "ok" if ratios[1] <= most[1] else f"above {most[1]}", f"{memory / MIB:.0f}"))
    print_table(f"whole calibration, KL, 2 threads, median of {bench.runs}",
                ("model", "kind", "samples", "seconds", "our inference", "ratio", "", "ONNX Runtime", "ratio", "", "MiB"), rows)
    bench.results["calibration"] = rows


def jobs(bench):
    rows = []
    for name, count, most, ppq, quantizer in JOBS:
        subject = Subject(bench, name)
        runs = [bench.halftone_run(subject.quantize(count)) for _ in range(bench.runs)]
        seconds, memory = median([run[0] for run in runs]), max(run[1] for run in runs)
        rows.append((name, count, f"{seconds:.3f}", f"at most {most}", "ok" if seconds <= most else "above", f"{memory / MIB:.0f}",
                     ppq, quantizer))
    print_table("whole processes, KL", ("model", "samples", "seconds", "asked", "", "MiB", "PPQ", "ONNX Runtime's quantizer"), rows)
    bench.results["jobs"] = rows


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def scaling(bench):
    subject = Subject(bench, "resnet20-cifar10")
    rows, statistics_files, models = [], set(), set()
    for count in (32, 128, 512, 2048):
        for threads in (1, 2):
            runs = [bench.halftone_run(subject.quantize(count, threads=threads)) for _ in range(bench.runs)]
            rows.append((count, threads, 1, f"{median([run[0] for run in runs]):.3f}", f"{max(run[1] for run in runs) / MIB:.1f}"))
    for threads, batch in ((1, 1), (2, 1), (2, 8), (2, 32)):
        bench.halftone_run(subject.quantize(512, "--batch", str(batch), threads=threads))
        models.add(digest(bench.folder / "out.onnx"))
        file = bench.folder / "all.htstats"
        bench.halftone_run(["calibrate", str(subject.onnx), "-c", str(subject.samples(512)), *subject.preprocess(), "-q", "--threads",
                            str(threads), "--batch", str(batch), "--observe-for", "tensorrt-int8", "-o", str(file)])
        statistics_files.add(digest(file))
    parts = []
    for i in (1, 2, 3):
        parts.append(str(bench.folder / f"{i}.htstats"))
        bench.halftone_run(["calibrate", str(subject.onnx), "-c", str(subject.samples(512)), *subject.preprocess(), "-q",
                            "--observe-for", "tensorrt-int8", "--shard", f"{i}/3", "-o", parts[-1]])
    bench.halftone_run(["merge", *parts, "-o", str(bench.folder / "all.htstats")])
    statistics_files.add(digest(bench.folder / "all.htstats"))
    bench.halftone_run(["quantize", str(subject.onnx), "-p", "tensorrt-int8", "--observer", "kl", "--stats-in",
                        str(bench.folder / "all.htstats"), "-o", str(bench.folder / "out.onnx"), "-q"])
    models.add(digest(bench.folder / "out.onnx"))
    print_table("resnet20-cifar10, KL, whole process", ("samples", "threads", "batch", "seconds", "MiB"), rows)
    print(f"threads 1 and 2, batch 1, 8 and 32, shards 1 and 3: {len(statistics_files)} statistics file(s), {len(models)} model(s)")
    bench.results["scaling"] = rows
    bench.results["different"] = [len(statistics_files), len(models)]


def inference(bench):
    subprocess.run([sys.executable, str(HERE / "inference_ratio.py"), "--halftone", str(bench.halftone), "--modules",
                    str(bench.modules), "--shared", str(bench.shared)], check=True)


TABLES = {table.__name__: table for table in (inference, calibration, jobs, scaling)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=Path)
    parser.add_argument("--modules", required=True, type=Path)
    parser.add_argument("--shared")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", action="append", choices=TABLES)
    parser.add_argument("--python", default="/usr/bin/python3", help="an interpreter with onnx and numpy, for the random models")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        wanted = options.only or list(TABLES)
        if set(wanted) & {"calibration", "jobs"}:
            subprocess.run([options.python, str(HERE / "random_models.py"), folder], check=True, stdout=subprocess.DEVNULL)
        for name in wanted:
            TABLES[name](bench)
    if options.json:
        options.json.write_text(json.dumps(bench.results, indent=1) + "\n")


if __name__ == "__main__":
    main()
