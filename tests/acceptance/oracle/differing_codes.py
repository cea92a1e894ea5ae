"""How many codes differ between simulated and integer mode, on real models.

    differing_codes.py --halftone BIN [--shared FOLDER] [--samples N] [--platform NAME ...] [MODEL ...]

Each model is quantized, every value behind a pair of QuantizeLinear and DequantizeLinear is made an output of the file, and both modes
are run. Printed are, over all these values, the share of codes that differ, the share that differs by more than one, and
the top-1 of both modes. Fails where more than one code in 50 differs. Needs numpy and onnx.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
from model_files import resolve_link, shared_folder
from onnx import numpy_helper

MODELS = ("resnet20-cifar10", "mobilenetv2-cifar10", "squeezenet-imagenet")
MOST = 0.02


def with_codes(source, target):
    """Writes the file with the values of all pairs as outputs; gives their names and scales."""
    model = onnx.load(source)
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    made = {n.output[0]: n for n in model.graph.node if n.op_type == "QuantizeLinear"}
    known = {o.name for o in model.graph.output}
    scales = {}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in made or node.input[1] not in constants:
            continue
        if constants[node.input[1]].size != 1:
            continue
        name = node.output[0]
        scales[name] = float(constants[node.input[1]].reshape(-1)[0])
        if name not in known:
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    onnx.save(model, target)
    return scales


class Bench:
    def __init__(self, options, work):
        self.options, self.work = options, Path(work)
        self.shared = shared_folder(options.shared)

    def halftone(self, *args):
        done = subprocess.run([self.options.halftone, *map(str, args)], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"halftone {args[0]} ended with {done.returncode}: {done.stderr}")

    def outputs(self, file, mode, model, samples):
        test, figures = resolve_link(model / "test" / "x.npy"), self.work / "figures.json"
        self.halftone("evaluate", file, "--mode", mode, "--data", test, "--labels", resolve_link(model / "test" / "y.npy"),
                      "--preprocess", model / "meta.json", "--limit", samples, "--outputs-npy", self.work / mode, "--json", figures,
                      "--executor", "onednn", "--quiet")
        figures = json.loads(figures.read_text())
        return [numpy.load(path) for path in figures["written"]], figures["top1"]

    def top1(self, file, mode, model):
        return self.outputs(file, mode, model, 1000)[1]

    def compare(self, name, platform):
        model = self.shared / "models" / name
        plain, tapped = self.work / "plain.onnx", self.work / "tapped.onnx"
        self.halftone("quantize", model / "model.onnx", "--platform", platform, "--calibration",
                      resolve_link(model / "calib" / "x.npy"), "--preprocess", model / "meta.json", "-o", plain, "--quiet")
        scales = with_codes(plain, tapped)
        names = [o.name for o in onnx.load(tapped).graph.output]
        a, _ = self.outputs(tapped, "simulated", model, self.options.samples)
        b, _ = self.outputs(tapped, "integer", model, self.options.samples)
        codes = differ = far = 0
        for value, x, y in zip(names, a, b):
            if value not in scales:
                continue
            apart = numpy.abs(numpy.rint((x - y) / scales[value]))
            codes, differ, far = codes + apart.size, differ + int((apart > 0).sum()), far + int((apart > 1).sum())
        top = [self.top1(plain, mode, model) for mode in ("simulated", "integer")]
        print(f"{name}, {platform}: {differ} of {codes} codes differ ({100 * differ / codes:.4f} %), {100 * far / codes:.5f} % by more "
              f"than one; top-1 {100 * top[0]:.2f} % simulated, {100 * top[1]:.2f} % integer", flush=True)
        return differ <= MOST * codes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--shared")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--platform", nargs="*", default=["onnxruntime-int8", "tensorrt-int8"])
    parser.add_argument("models", nargs="*", default=MODELS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="halftone-codes-") as work:
        bench = Bench(options, work)
        fine = [bench.compare(name, platform) for name in options.models for platform in options.platform]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
