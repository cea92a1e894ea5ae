#!/usr/bin/env python3
"""Compares quantization configs, slot by slot, with those of another quantizer.

    compare_configs.py OURS.json THEIRS.json             two files
    compare_configs.py --halftone BIN [--model M ...]    quantizes as PPQ's TRT_INT8 does, compares with the stored values

Both files have the form that `halftone quantize --configs-out` writes. Operators are matched by name, else by the values they
write, else by those they read; slots by position. Exit code 1 when anything differs by more than the tolerance. By default
percentile and minmax are compared: PPQ's kl and mse have faults that Halftone does not copy, so that those scales differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from model_files import data_settings, shared_folder

OBSERVERS = ("percentile", "minmax")
# PPQ averages percentiles over its batches.
BATCH = {"resnet20-cifar10": 32, "mobilenetv2-cifar10": 32, "squeezenet-imagenet": 7, "mobilenetv1-025-imagenet": 7,
         "rfb320-face": 1}
FLOAT_STATES = {"FP32", None}


class Operations:
    """The operations of one file, by name and by the values they write and read."""

    def __init__(self, document):
        self.all = document["operations"]
        self.by_name = {op["op"]: op for op in self.all if op["op"]}
        self.by_output = {slot["var"]: op for op in self.all for slot in op["outputs"] if slot.get("var")}
        self.by_input = {}
        for op in self.all:
            for slot in op["inputs"]:
                self.by_input.setdefault((op["type"], slot.get("var")), []).append(op)

    def match(self, op):
        found = self.by_name.get(op["op"])
        if found and found["type"] == op["type"]:
            return found
        for slot in op["outputs"]:
            found = self.by_output.get(slot.get("var"))
            if found and found["type"] == op["type"]:
                return found
        candidates = self.by_input.get((op["type"], op["inputs"][0].get("var")), []) if op["inputs"] else []
        return candidates[0] if len(candidates) == 1 else None


def slots(op):
    for direction, key in (("in", "inputs"), ("out", "outputs")):
        for index, slot in enumerate(op[key]):
            yield f"{direction}{index}", slot


def relative_difference(ours, theirs):
    """The largest over the channels, or None when the counts differ."""
    if len(ours) != len(theirs):
        return None
    return max((abs(a - b) / max(abs(b), 1e-30) for a, b in zip(ours, theirs)), default=0.0)


def compare_scales(where, ours, theirs, report, tolerance):
    a, b = ours.get("scale"), theirs.get("scale")
    if (a is None) != (b is None):
        report["one_sided"].append(f"{where}: scale {'missing here' if a is None else 'missing there'}")
        return
    if a is None:
        return
    difference = relative_difference(a, b)
    if difference is None:
        report["counts"].append(f"{where}: {len(a)} scales here, {len(b)} there")
        return
    report["compared"] += 1
    report["differences"].append((difference, where, a, b))
    if difference > tolerance:
        report["beyond"] += 1
    offsets = theirs.get("offset") or [0.0] * len(b)
    if any(abs(x - y) > 0.5 for x, y in zip(ours.get("offset") or [0.0] * len(a), offsets)):
        report["offsets"].append(f"{where}: offset {ours.get('offset')[:3]} here, {offsets[:3]} there")


def compare_slot(where, ours, theirs, report, tolerance):
    if (ours.get("state"), theirs.get("state")) not in report["pairs"]:
        report["pairs"][(ours.get("state"), theirs.get("state"))] = 0
    report["pairs"][(ours.get("state"), theirs.get("state"))] += 1
    both_float = ours.get("state") in FLOAT_STATES and theirs.get("state") in FLOAT_STATES
    if both_float:
        return
    if ours.get("state") != theirs.get("state"):
        report["states"].append(f"{where}: {ours.get('state')} here, {theirs.get('state')} there")
        if ours.get("state") in FLOAT_STATES or theirs.get("state") in FLOAT_STATES:
            return
    for key in ("bits", "qmin", "qmax"):
        if ours.get(key) != theirs.get(key):
            report["types"].append(f"{where}: {key} {ours.get(key)} here, {theirs.get(key)} there")
    compare_scales(where, ours, theirs, report, tolerance)


def compare(ours_document, theirs_document, tolerance):
    report = {"compared": 0, "beyond": 0, "differences": [], "pairs": {}, "missing": [], "states": [], "types": [],
              "one_sided": [], "counts": [], "offsets": []}
    ours_all = Operations(ours_document)
    for theirs in theirs_document["operations"]:
        ours = ours_all.match(theirs)
        quantized = theirs.get("quantized", True)
        if ours is None:
            if quantized:  # what neither side quantizes may have been folded away
                report["missing"].append(f"{theirs['op']} ({theirs['type']})")
            continue
        if not quantized:
            if ours.get("quantized", True):
                report["states"].append(f"{theirs['op']} ({theirs['type']}): quantized here, in float there")
            continue
        own = dict(slots(ours))
        for position, slot in slots(theirs):
            where = f"{theirs['op']} ({theirs['type']}) {position} '{slot.get('var')}'"
            if position in own:
                compare_slot(where, own[position], slot, report, tolerance)
            elif slot.get("state") not in FLOAT_STATES:
                report["missing"].append(where)
    report["differences"].sort(key=lambda entry: -entry[0])
    return report


FAULTS = (("missing", "not found here"), ("states", "states that differ"), ("types", "types that differ"),
          ("one_sided", "scale on one side only"), ("counts", "scale counts that differ"), ("offsets", "offsets that differ"))


def print_report(title, report, tolerance, most):
    differences = [entry[0] for entry in report["differences"]]
    largest = max(differences, default=0.0)
    middle = sorted(differences)[len(differences) // 2] if differences else 0.0
    print(f"{title}: {report['compared']} slots with scales, largest relative difference {largest:.3g}, median {middle:.3g}, "
          f"{report['beyond']} above {tolerance:g}; {len(report['states'])} states differ")
    for key, label in FAULTS:
        if report[key]:
            print(f"  {label}: {len(report[key])}")
            for line in report[key][:most]:
                print(f"    {line}")
    pairs = Counter({pair: count for pair, count in report["pairs"].items() if pair[0] != pair[1]})
    for (ours, theirs), count in pairs.most_common(most):
        print(f"  state {theirs} there is {ours} here: {count}")
    for difference, where, a, b in report["differences"][:most]:
        if difference > tolerance:
            worst = max(range(len(a)), key=lambda i: abs(a[i] - b[i]) / max(abs(b[i]), 1e-30))
            print(f"  {difference:9.3g}  {where}[{worst}]: {a[worst]:.8g} here, {b[worst]:.8g} there")


def is_equal(report):
    return report["beyond"] == 0 and not any(report[key] for key, _ in FAULTS)


def passes_of(model):
    """The preset ppq-compat with this model's batch size."""
    return ["constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code", "assign-configs",
            "quantize-fusion", "quantize-simplify", "parameter-quantize",
            {"runtime-calibration": {"calibrate_on": "quantized_weights", "group": BATCH.get(model, 32)}},
            {"quant-alignment": {"ppq_range": True, "ppq_reach": True}}, "passive-parameter-quantize", "parameter-baking"]


def quantize(options, shared, model, observer, configs):
    pipeline = {"halftone": 1, "platform": options.platform, "observer": observer, **data_settings(shared, model),
                "configs_out": str(configs)}
    if options.platform == "ppq-trt-int8":
        pipeline["passes"] = passes_of(model)
    file = configs.with_name("pipeline.yaml")
    file.write_text(json.dumps(pipeline, indent=1) + "\n")  # JSON is YAML too
    run = subprocess.run([options.halftone, "run", str(file), "--quiet"], stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"halftone ended with {run.returncode}: {run.stderr.strip()}")


def run_all(options):
    shared = shared_folder(options.shared)
    equal = True
    for model in options.model or sorted(p.name for p in (shared / "oracle" / "ppq").iterdir()):
        for observer in options.observer or OBSERVERS:
            theirs = shared / "oracle" / "ppq" / model / f"TRT_INT8.{observer}.json"
            if not theirs.exists():
                continue
            title = f"{model} {observer}"
            with tempfile.TemporaryDirectory() as folder:
                configs = Path(folder) / "configs.json"
                try:
                    quantize(options, shared, model, observer, configs)
                except RuntimeError as error:
                    print(f"{title}: {error}")
                    equal = False
                    continue
                report = compare(json.loads(configs.read_text()), json.loads(theirs.read_text()), options.tolerance)
            print_report(title, report, options.tolerance, options.most)
            equal = equal and is_equal(report)
    return equal


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="OURS THEIRS")
    parser.add_argument("--halftone", help="the program; without OURS and THEIRS")
    parser.add_argument("--shared", help="folder with models/ and oracle/ (default: HALFTONE_SHARED)")
    parser.add_argument("--platform", default="ppq-trt-int8")
    parser.add_argument("--model", action="append")
    parser.add_argument("--observer", action="append")
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
    sys.exit(0 if run_all(options) else 1)


if __name__ == "__main__":
    main()
