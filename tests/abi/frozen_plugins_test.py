"""Plug-ins that were built with the SDK of a released version run in this host.

    frozen_plugins_test.py --halftone PROGRAM --host ABI_C_HOST --glyphs FOLDER FROZEN_FOLDER ...

Each folder holds the plug-ins that freeze.sh made of one release for this system. The pass runs in a host in C and in a pipeline, the
observers quantize the example model, in C and in C++ to the same scales.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def require(condition, text):
    if not condition:
        sys.exit(text)


def check_pass(options, plugin, work):
    require(run(options.host, plugin) == "operators: 5\nfirst: Conv\n", f"{plugin}: another report in a host in C")
    pipeline, figures = work / "counts.yaml", work / "run.json"
    pipeline.write_text(f"halftone: 1\nmodel: {options.glyphs / 'model.onnx'}\npasses:\n  - counts: {{subgraphs: false}}\n"
                        f"configs_out: {work / 'configs.json'}\n", encoding="utf-8")
    run(options.halftone, "run", pipeline, "--plugin-path", plugin, "--quiet", "--json", figures)
    reported = json.loads(figures.read_text(encoding="utf-8"))["steps"][0]["reported"]
    require(reported == {"operators": "48", "first": "Conv"}, f"{plugin}: reported {reported} of the example model")


def configs_of(options, plugin, work):
    configs = work / f"{plugin.stem}.json"
    run(options.halftone, "quantize", options.glyphs / "model.onnx", "--platform", "onnxruntime-int8", "--calibration",
        options.glyphs / "calib", "--preprocess", options.glyphs / "meta.json", "--observer", "mean-extremes", "--plugin-path",
        plugin, "-o", work / f"{plugin.stem}.onnx", "--configs-out", configs, "--quiet")
    text = configs.read_text(encoding="utf-8")
    require("mean extremes" in text, f"{plugin}: was not asked")
    return json.loads(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("halftone", "host", "glyphs"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("frozen", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    for folder in options.frozen:
        with tempfile.TemporaryDirectory() as work:
            for language in ("c", "cpp"):
                check_pass(options, folder / f"counts_{language}.so", pathlib.Path(work))
            c, cpp = (configs_of(options, folder / f"mean_extremes_{language}.so", pathlib.Path(work)) for language in ("c", "cpp"))
            require(c == cpp, f"{folder}: the observers in C and in C++ find other ranges")
            print(f"{folder.name}: 4 plug-ins run")


if __name__ == "__main__":
    main()
