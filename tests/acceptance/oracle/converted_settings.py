#!/usr/bin/env python3
"""Settings of PPQ's stored runs, converted and run, against the configs that PPQ came to.

    converted_settings.py --halftone BIN [--model M ...] [RUN ...]

RUN is a stored run of TRT_INT8, such as TRT_INT8.percentile.fusion_off; all of them unless given, but for those whose observers
have faults that Halftone does not copy, and those with passes that change weights or biases. Prints what compare_configs.py
prints; exit code 1 when anything differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from model_files import data_settings, shared_folder

OTHERS = ("kl", "mse", "equalization", "bias_correct", "error_analysis")


def run(halftone, *args):
    done = subprocess.run([halftone, *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"halftone {' '.join(map(str, args))}\nended with {done.returncode}: {done.stderr}")


def configs_of(halftone, shared, model, stored, folder):
    """Converts the setting of a stored run, runs it on the run's samples and gives the file of configs."""
    setting, pipeline = folder / "setting.json", folder / "pipeline.yaml"
    setting.write_text(json.dumps(stored["settings"], sort_keys=True, indent=4))
    data = data_settings(shared, model)
    run(halftone, "convert-setting", setting, "--platform", stored["platform"], "--exact", "--ppq-batch", stored["batch_size"],
        "--model", data["model"], "--calibration", data["calibration"]["path"], "--preprocess",
        data["calibration"]["preprocess"], "-o", pipeline)
    run(halftone, "run", pipeline, "--quiet", "--set", f"calibration.limit={stored['calib_samples']}")
    return folder / f"{Path(data['model']).stem}.configs.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, help="the program")
    parser.add_argument("--shared", help="folder with models/ and oracle/ (default: HALFTONE_SHARED)")
    parser.add_argument("--model", action="append")
    parser.add_argument("runs", nargs="*", metavar="RUN")
    options = parser.parse_args()
    shared = shared_folder(options.shared)
    compare = Path(__file__).with_name("compare_configs.py")
    equal = True
    for file in sorted((shared / "oracle" / "ppq").glob("*/TRT_INT8.*.json")):
        model, words = file.parent.name, file.stem.split(".")
        wanted = file.stem in options.runs if options.runs else not set(words) & set(OTHERS)
        if not wanted or (options.model and model not in options.model):
            continue
        with tempfile.TemporaryDirectory() as folder:
            configs = configs_of(options.halftone, shared, model, json.loads(file.read_text()), Path(folder))
            print(f"{model} {file.stem}:", flush=True)
            done = subprocess.run([sys.executable, str(compare), str(configs), str(file)], check=False)
            equal = equal and done.returncode == 0
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
