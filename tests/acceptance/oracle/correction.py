#!/usr/bin/env python3
"""What each correction pass brings: the platform's pipeline with passes put in behind calibration, on real models.

    correction.py --halftone BIN [--shared FOLDER] [--model NAME ...] [--platform NAME] [--row NAME=PASSES ...] [--json FILE]
    correction.py --halftone BIN --weights 4 --model resnet20-cifar10

PASSES are pass names joined by "+", each with settings in braces where wanted: --row "both=seq-mse+bias-correction:{samples: 32}".
Prints mean noise/signal at the outputs, top-1 and agreement with the float model for each row. With --weights BITS all weights
have that many bits. Fails when a row has more noise than the one without correction; with --weights 4 on resnet20-cifar10 also
when round-tuning is more than 1.5 points below float, or less than one point above plain rounding.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from model_files import data_settings, resolve_link

MODELS = ("mobilenetv1-025-imagenet", "resnet20-cifar10")
ROWS = (
    ("default", ""),
    ("bias-correction", "bias-correction"),
    ("seq-mse", "seq-mse"),
    ("round-tuning", "round-tuning"),
    ("round-tuning, float output", "round-tuning:{target: float_output}"),
    ("round-tuning, bias-correction", "round-tuning+bias-correction"),
    ("round-tuning, float output, bias-correction", "round-tuning:{target: float_output}+bias-correction"),
    ("seq-mse, round-tuning, float output", "seq-mse+round-tuning:{target: float_output}"),
)
BEHIND = "quant-alignment"


def find_shared(given):
    folder = Path(given or os.environ.get("HALFTONE_SHARED") or Path(__file__).resolve().parents[4] / "shared")
    if not (folder / "models").is_dir():
        print(f"skipped: no models in '{folder}'; give --shared or set HALFTONE_SHARED")
        sys.exit(0)
    return folder


def platform_text(halftone, platform):
    return (Path(halftone).resolve().parent.parent / "lib/halftone/plugins" / f"{platform}.platform.yaml").read_text()


def platform_passes(text):
    """The platform's own pipeline."""
    lines = text.split("\npipeline:\n")[1].splitlines()
    return [line.strip()[2:] for line in lines if line.strip().startswith("- ")]


def narrow_platform(text, bits, folder):
    """The same platform with weights of so many bits, as a file of its own."""
    narrow, count = re.subn(r"(\n  weight: \{bits: )8", rf"\g<1>{bits}", text)
    if count != 1:
        raise SystemExit("the platform's weights are not 8 bits wide; --weights does not go with it")
    (folder / "narrow.platform.yaml").write_text(re.sub(r"\nid: .*", "\nid: narrow", narrow))
    return "narrow"


def step(text):
    name, _, settings = text.partition(":")
    return f"  - {name}" + (f": {settings.strip()}" if settings else "")


def pipeline(shared, model, options, row, target):
    settings = data_settings(shared, model)
    test = shared / "models" / model / "test"
    calibration = settings["calibration"]
    text = platform_text(options.halftone, options.platform)
    platform = narrow_platform(text, options.weights, target.parent) if options.weights else options.platform
    passes = platform_passes(text)
    at = passes.index(BEHIND) + 1
    passes[at:at] = [part for part in row.split("+") if part]
    lines = ["halftone: 1", f"model: {settings['model']}", f"platform: {platform}",
             f"calibration: {{path: {calibration['path']}, preprocess: {calibration['preprocess']}, threads: {options.threads}"
             + (f", limit: {calibration['limit']}" if calibration["limit"] else "") + "}",
             f"evaluate: {{path: {resolve_link(test / 'x.npy')}, labels: {resolve_link(test / 'y.npy')}}}",
             "passes:", *map(step, passes)]
    lines += ["export:", f"  - {{format: onnx-qdq, path: {target}}}"]
    return "\n".join(lines) + "\n"


def figures_of(shared, model, options, row):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "p.yaml").write_text(pipeline(shared, model, options, row, folder / "out.onnx"))
        run = subprocess.run([options.halftone, "run", str(folder / "p.yaml"), "--json", str(folder / "f.json"), "-q",
                              "--plugin-path", name],
                             stderr=subprocess.PIPE, text=True, check=False)
        if run.returncode != 0:
            raise SystemExit(f"{model}, {row or 'default'}: ended with {run.returncode}: {run.stderr.strip()}")
        figures = json.loads((folder / "f.json").read_text())
    noise = [output["noise_to_signal"] for output in figures["outputs"]]
    return {"model": model, "noise": sum(noise) / len(noise), "top1": 100 * figures["top1"],
            "float_top1": 100 * figures["float_top1"], "agreement": 100 * figures["agreement"], "seconds": figures["seconds"]}


def holds(model, weights, name, figures, plain):
    """Moving biases leaves what coarse weights do from sample to sample, and only round-tuning is judged there."""
    if weights and name != "round-tuning":
        return True
    if model == "resnet20-cifar10" and weights == 4:
        if figures["top1"] < max(figures["float_top1"] - 1.5, plain["top1"] + 1):
            return False
    return figures["noise"] <= plain["noise"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--shared")
    parser.add_argument("--model", action="append")
    parser.add_argument("--platform", default="tensorrt-int8")
    parser.add_argument("--row", action="append")
    parser.add_argument("--weights", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    shared = find_shared(options.shared)
    rows = [tuple(row.split("=", 1)) for row in options.row] if options.row else ROWS
    results, worse = [], 0
    for model in options.model or MODELS:
        plain = None
        print(f"\n{model}, {options.platform}" + (f", weights of {options.weights} bits" if options.weights else ""))
        print(f"{'':50} {'noise/signal':>12} {'top-1':>7} {'agree':>7} {'time':>7}")
        for name, passes in rows:
            figures = figures_of(shared, model, options, passes)
            if plain is None:
                plain = figures
                print(f"{'float':50} {'':>12} {figures['float_top1']:6.2f}%")
            elif not holds(model, options.weights, name, figures, plain):
                worse += 1
            results.append({"row": name, **figures})
            print(f"{name:50} {figures['noise']:12.5f} {figures['top1']:6.2f}% {figures['agreement']:6.2f}% "
                  f"{figures['seconds']:6.1f}s", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(f"correction: {len(results)} rows, {worse} worse than they have to be")
    sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
