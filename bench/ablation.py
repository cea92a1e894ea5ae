#!/usr/bin/env python3
"""What each pass of a preset brings: the pipeline grown pass by pass, and the whole of it with one pass left out.

    ablation.py --halftone BIN --model FOLDER [--preset accurate] [--platform tensorrt-int8] [--limit N] [--json FILE]

FOLDER holds model.onnx, calib/x.npy, test/x.npy, test/y.npy and the preprocessing in meta.json. A pass counts as one of the preset's own
when the platform's default pipeline does not have it with the same parameters; those are added and left out. Prints a table in
Markdown. Figures are of the test samples, which no pass sees.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "acceptance" / "oracle"))
from model_files import resolve_link  # noqa: E402

ROW = "| {} | {} | {} | {} | {} | {} |"


def passes_of(file, key):
    """The passes below `key:` of a preset or platform file, one a line as they are written there."""
    lines = Path(file).read_text().splitlines()
    found = []
    for line in lines[lines.index(key + ":") + 1:]:
        if not line.startswith("  - "):
            break
        found.append(line[4:])
    if not found:
        raise SystemExit(f"{file}: no list of passes below '{key}:'")
    return found


def name_of(written):
    return written.partition(":")[0]


class Ablation:
    def __init__(self, options, folder):
        self.options = options
        self.folder = Path(folder)
        print(ROW.format("pipeline", "top-1", "change", "agrees", "noise/signal", "seconds"))
        print(ROW.format(*["---"] * 6))
        self.rows = []

    def run(self, title, passes):
        model = self.options.model
        text = {
            "halftone": 1, "model": str(model / "model.onnx"), "platform": self.options.platform,
            "calibration": {"path": str(resolve_link(model / "calib" / "x.npy")), "preprocess": str(model / "meta.json"),
                            "limit": self.options.limit},
            "evaluate": {"path": str(resolve_link(model / "test" / "x.npy")), "labels": str(resolve_link(model / "test" / "y.npy"))},
            "export": [{"path": str(self.folder / "out.onnx")}],
        }
        lines = [f"{key}: {json.dumps(value)}" for key, value in text.items()] + ["passes:", *(f"  - {each}" for each in passes)]
        file = self.folder / "pipeline.yaml"
        file.write_text("\n".join(lines) + "\n")
        figures = self.folder / "figures.json"
        done = subprocess.run([self.options.halftone, "run", file, "--quiet", "--json", figures], stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode != 0:
            raise SystemExit(f"'{title}' ended with {done.returncode}: {done.stderr.strip()}")
        result = json.loads(figures.read_text())
        noise = sum(output["noise_to_signal"] for output in result["outputs"]) / len(result["outputs"])
        self.rows.append({"pipeline": title, "noise_to_signal": noise,
                          **{key: result[key] for key in ("top1", "float_top1", "agreement", "top1_change_error", "seconds")}})
        change = 100 * (result["top1"] - result["float_top1"])
        print(ROW.format(title, f"{100 * result['top1']:.2f}", f"{change:+.2f} ± {100 * result['top1_change_error']:.2f}",
                         f"{100 * result['agreement']:.2f}", f"{noise:.5f}", f"{result['seconds']:.1f}"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True, type=lambda text: str(Path(text).resolve()))
    parser.add_argument("--model", required=True, type=lambda text: Path(text).resolve())
    parser.add_argument("--preset", default="accurate")
    parser.add_argument("--platform", default="tensorrt-int8")
    parser.add_argument("--limit", type=int, default=0, help="calibration samples; 0: all")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    whole = passes_of(HERE.parent / "pipelines" / f"{options.preset}.preset.yaml", "passes")
    plain = passes_of(HERE.parent / "plugins" / "platforms" / f"{options.platform}.platform.yaml", "pipeline")
    own = [written for written in whole if written not in plain]
    with tempfile.TemporaryDirectory() as folder:
        ablation = Ablation(options, folder)
        ablation.run(f"default of {options.platform}", plain)
        for count in range(len(own) + 1):
            title = f"+ `{name_of(own[count - 1])}`" if count else f"`{options.preset}` without passes of its own"
            ablation.run(title, [written for written in whole if written not in own[count:]])
        for left_out in own[:-1]:
            ablation.run(f"`{options.preset}` without `{name_of(left_out)}`", [written for written in whole if written != left_out])
    if options.json:
        options.json.write_text(json.dumps(ablation.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
