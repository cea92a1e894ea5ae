#!/usr/bin/env python3
"""Compares quantization configs, slot by slot, with those of another quantizer.

    compare_configs.py OURS.json THEIRS.json             two files
    compare_configs.py --halftone BIN [--model M ...]    quantizes as each platform of PPQ does, compares with the stored values
    compare_configs.py --halftone BIN --own              how the platforms that ship differ from PPQ's (percentile)

The second form runs every platform, observer and variant of PPQ's pipeline for which there are stored values, and ends with one
table. Exit code 1 when a state differs, a property of a type that is not known to differ, or a scale by more than the tolerance.
By default percentile and minmax are compared: PPQ's kl and mse have faults that Halftone does not copy, so that those scales
differ (`--observer kl --observer mse` shows by how much).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from config_difference import compare, is_equal, largest_and_median, print_report
from model_files import data_settings, shared_folder
from ppq_runs import KNOWN, OFFSET_BY_ONE, OWN, PLATFORMS, runs_of, variant_passes

OBSERVERS = ("percentile", "minmax")


def quantize(options, shared, model, platform, observer, variant, configs):
    pipeline = {"halftone": 1, "platform": platform, **data_settings(shared, model), "configs_out": str(configs)}
    if variant is not None:
        pipeline["passes"] = variant_passes(model, variant)
    if observer != "percentile":  # the platforms' own choice
        pipeline["observer"] = observer
    file = configs.with_name("pipeline.yaml")
    file.write_text(json.dumps(pipeline, indent=1) + "\n")  # JSON is YAML too
    command = [options.halftone, "run", str(file), "--quiet"]
    for path in options.plugin_path:
        command += ["--plugin-path", path]
    run = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"halftone ended with {run.returncode}: {run.stderr.strip()}")


def set_known_aside(report, platform, observer):
    """Takes differences with a stated reason out of the report; returns how many there were of each reason."""
    known = {}
    for entry in list(report["types"]):
        reason = KNOWN.get((platform, entry[0]))
        if reason:
            report["types"].remove(entry)
            known[reason] = known.get(reason, 0) + 1
    for entry in list(report["offsets"]):
        if observer == "percentile" and entry[0] < 1.5:
            report["offsets"].remove(entry)
            known[OFFSET_BY_ONE] = known.get(OFFSET_BY_ONE, 0) + 1
    return known


def compare_run(options, shared, model, platform, observer, variant, file):
    """Quantizes as PPQ's platform does and compares with its stored configs: the report, and what was known to differ."""
    with tempfile.TemporaryDirectory() as folder:
        configs = Path(folder) / "configs.json"
        quantize(options, shared, model, PLATFORMS[platform], observer, variant, configs)
        report = compare(json.loads(configs.read_text()), json.loads(file.read_text()), options.tolerance)
    return report, set_known_aside(report, platform, observer)


class Row:
    """One line of the table: all models of a platform, an observer and a variant."""

    def __init__(self):
        self.models, self.slots, self.beyond, self.states, self.faults, self.offsets = 0, 0, 0, 0, 0, 0
        self.largest, self.medians = 0.0, []

    def add(self, report):
        largest, median = largest_and_median(report)
        self.models += 1
        self.slots += report["compared"]
        self.beyond += report["beyond"]
        self.states += len(report["states"]) + len(report["missing"])
        self.faults += len(report["types"]) + len(report["dispatch"]) + len(report["one_sided"]) + len(report["counts"])
        self.offsets += len(report["offsets"])
        self.largest = max(self.largest, largest)
        self.medians.append(median)


def print_table(rows, known, tolerance):
    print(f"\n| platform | observer | variant | models | slots with scales | states that differ | types and dispatch | offsets "
          f"| largest difference of a scale | above {tolerance:g} | median by model |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for (platform, observer, variant), row in rows.items():
        medians = f"{min(row.medians):.2g} to {max(row.medians):.2g}"
        print(f"| {platform} | {observer} | {variant or '-'} | {row.models} | {row.slots} | {row.states} | {row.faults} | {row.offsets} "
              f"| {row.largest:.2g} | {row.beyond} | {medians} |")
    for (platform, reason), count in known.items():
        print(f"\n{platform}: {count} slots where {reason}")


def run_all(options):
    shared = shared_folder(options.shared)
    rows, known, equal = {}, {}, True
    platforms = options.platform or list(PLATFORMS)
    for model in options.model or sorted(p.name for p in (shared / "oracle" / "ppq").iterdir()):
        for platform, observer, variant, file in runs_of(shared / "oracle" / "ppq" / model, options.observer or OBSERVERS,
                                                         platforms):
            if options.variant and variant not in options.variant:
                continue
            title = " ".join(filter(None, (model, platform, observer, variant)))
            try:
                report, aside = compare_run(options, shared, model, platform, observer, variant, file)
            except RuntimeError as error:
                print(f"{title}: {error}")
                equal = False
                continue
            for reason, count in aside.items():
                known[platform, reason] = known.get((platform, reason), 0) + count
            print_report(title, report, options.tolerance, options.most)
            rows.setdefault((platform, observer, variant), Row()).add(report)
            equal = equal and is_equal(report)
    print_table(dict(sorted(rows.items())), known, options.tolerance)
    return equal


def own_differences(options):
    """Over all models: states, properties of types and scales in which a platform that ships differs from PPQ's."""
    shared = shared_folder(options.shared)
    print("| platform | PPQ's | slots with scales | scales above 1e-3 | median difference | states: there, here, slots | types |")
    print("|---|---|---|---|---|---|---|")
    for platform, theirs in OWN.items():
        states, types, differences = Counter(), Counter(), []
        for model in options.model or sorted(p.name for p in (shared / "oracle" / "ppq").iterdir()):
            with tempfile.TemporaryDirectory() as folder:
                configs = Path(folder) / "configs.json"
                quantize(options, shared, model, platform, "percentile", None, configs)
                stored = shared / "oracle" / "ppq" / model / f"{theirs}.percentile.json"
                report = compare(json.loads(configs.read_text()), json.loads(stored.read_text()), options.tolerance)
            states.update({pair: count for pair, count in report["pairs"].items() if pair[0] != pair[1]})
            states[("in float", "quantized operator")] += len([s for s in report["states"] if "quantized here" in s])
            types.update(key for key, _ in report["types"])
            differences += [entry[0] for entry in report["differences"]]
        differences.sort()
        pairs = ", ".join(f"{there} {here} {count}" for (here, there), count in states.most_common() if count)
        properties = ", ".join(f"{key} {count}" for key, count in types.most_common())
        beyond = sum(1 for d in differences if d > options.tolerance)
        print(f"| {platform} | {theirs} | {len(differences)} | {beyond} | {differences[len(differences) // 2]:.2g} | {pairs} | {properties} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="OURS THEIRS")
    parser.add_argument("--halftone", help="the program; without OURS and THEIRS")
    parser.add_argument("--own", action="store_true", help="the platforms that ship instead of PPQ's")
    parser.add_argument("--shared", help="folder with models/ and oracle/ (default: HALFTONE_SHARED)")
    parser.add_argument("--plugin-path", action="append", default=[], help="handed to halftone")
    parser.add_argument("--platform", action="append", choices=list(PLATFORMS), help="by PPQ's name (default: all)")
    parser.add_argument("--model", action="append")
    parser.add_argument("--observer", action="append")
    parser.add_argument("--variant", action="append", help="such as align_off; '' is the plain pipeline (default: all)")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="relative difference of a scale that counts (default 1e-3)")
    parser.add_argument("--most", type=int, default=5, help="lines to print of each kind (default 5)")
    options = parser.parse_args()
    if len(options.files) == 2:
        documents = [json.loads(file.read_text()) for file in options.files]
        report = compare(*documents, options.tolerance)
        print_report(options.files[0].name, report, options.tolerance, options.most)
        sys.exit(0 if is_equal(report) else 1)
    if options.files or not options.halftone:
        parser.error("give two files, or --halftone BIN")
    if options.own:
        return own_differences(options)
    return sys.exit(0 if run_all(options) else 1)


if __name__ == "__main__":
    main()
