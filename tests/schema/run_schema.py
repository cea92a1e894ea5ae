"""The JSON Schemas that halftone prints: every file of settings that ships is valid, and what the program refuses is not.
Needs python3-jsonschema and python3-yaml. Each function is one test; the arguments name them."""
import copy
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from test_main import require, run_tests  # noqa: E402


class Bench:
    def __init__(self, options, folder):
        self.halftone, self.root, self.plugins, self.work = options.halftone, options.root, options.plugins, folder

    def run(self, *args):
        return subprocess.run([str(self.halftone), *map(str, args)], cwd=self.work, capture_output=True, text=True, timeout=120,
                              check=False)

    def schema(self, kind, *args):
        done = self.run("schema", kind, *args)
        require(done.returncode == 0, f"schema {kind} ended with {done.returncode}: {done.stderr}")
        schema = json.loads(done.stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)


class Loader(yaml.SafeLoader):
    """YAML 1.2's idea of a boolean and of a number, which is the program's; PyYAML reads version 1.1."""


Loader.yaml_implicit_resolvers = {first: [rule for rule in rules if not rule[0].endswith((":bool", ":float"))]
                                  for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
                             list("-+.0123456789"))


def as_json(tree):
    """Keys as the program sees them: texts."""
    if isinstance(tree, dict):
        return {str(key): as_json(value) for key, value in tree.items()}
    return [as_json(item) for item in tree] if isinstance(tree, list) else tree


def parsed(text):
    return as_json(yaml.load(text, Loader))


def faults(validator, tree):
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message[:200]}" for fault in validator.iter_errors(tree)]


def shipped(bench):
    """Pipelines, presets and platforms of the tree, and those installed beside the program. Examples with plug-ins of their own are
    in tests/examples."""
    for kind, pattern in (("platform", "*.platform.yaml"), ("preset", "*.preset.yaml"), ("pipeline", "pipeline.yaml")):
        folders = [bench.root / name for name in ("pipelines", "plugins", "examples/glyphs", "tests", "sdk")] + [bench.plugins]
        files = sorted({path.resolve() for folder in folders for path in folder.rglob(pattern)})
        require(files, f"no {pattern} was found")
        validator = bench.schema(kind)
        for file in files:
            found = faults(validator, parsed(file.read_text()))
            require(not found, f"{file}: {found}")


PIPELINE = """
halftone: 1
model: %s
platform: tensorrt-int8
calibration:
  reader: npz
  reader_settings: {array: images, batches: false}
  path: x.npz
  preprocess: {resize: [32, 32], center_crop: 32, channel_order: RGB, scale: 0.00392, mean: [0.4, 0.5, 0.6], std: 1, from: nhwc,
               to: NCHW, classes: 10}
  batch: 8
  limit: 512
  threads: 0
  on_bad_sample: skip
evaluate: {path: x.npz, labels: y.npy, reader_settings: {array: images}}
executor: reference
observer: percentile
passes:
  - fold-batch-norm
  - quantize-fusion: {activations: [Relu, Clip], passive: true}
  - parameter-quantize:
  - runtime-calibration: {observer: kl}
  - quant-alignment: {elementwise: to_large, concat: to_output, force_overlap: false}
  - parameter-baking
overrides:
  - match: {op: Gemm, node: "*"}
    set: {outputs: {state: fp32, observer: kl, bits: 8, symmetry: symmetric}}
  - match: {op: Conv}
    set: {inputs: {bits: 8, 0: {symmetry: asymmetric}}, activations: {observer: kl}, weights: {bits: 4}, bias: {state: fp32}}
export:
  - {format: onnx-qdq, path: out.onnx}
  - path: again.onnx
configs_out: configs.json
report: report.html
"""

# Where in the pipeline above, and what is written there.
WRONG = [
    (("halftone",), 2), (("modle",), "x"), (("platform",), "tensorrt"), (("executor",), "onedn"), (("observer",), "k"),
    (("calibration",), "x.npz"), (("calibration", "limt"), 3), (("calibration", "limit"), -1), (("calibration", "threads"), 2000),
    (("calibration", "batch"), 0), (("calibration", "on_bad_sample"), "drop"), (("calibration", "memory_budget"), "much"),
    (("calibration", "reader"), "npzz"), (("calibration", "reader_settings"), {"aray": "x"}),
    (("calibration", "reader_settings", "batches"), "maybe"), (("calibration", "preprocess", "meen"), 1),
    (("calibration", "preprocess", "resize"), 0), (("calibration", "preprocess", "from"), "hw"), (("evaluate", "batch"), 2),
    (("evaluate",), {"labels": "y.npy"}), (("passes",), "fold-batch-norm"), (("passes", 0), "fold-batchnorm"),
    (("passes", 1, "quantize-fusion", "activation"), ["Relu"]), (("passes", 1, "quantize-fusion", "passive"), 3),
    (("passes", 1), {"fold-batch-norm": None, "parameter-baking": None}), (("passes", 3, "runtime-calibration", "group"), -1),
    (("passes", 4, "quant-alignment", "concat"), "to_output_"), (("overrides", 0, "match", "opp"), "Gemm"),
    (("overrides", 0), {"match": {"op": "Gemm"}}), (("overrides", 0, "set", "outputs", "bits"), 64),
    (("overrides", 0, "set", "outputs", "state"), "int8"), (("export", 0, "format"), "onnx"), (("export", 0), {"format": "onnx-qdq"}),
    (("export", 0, "compress"), True), (("configs_out",), ["x"]), (("report",), {"path": "x"}), (("model",), ""), (("calibration", "path"), ""),
    (("calibration",), {"inputs": {}}), (("calibration", "inputs"), {"input": {"path": "x.npz"}}), (("export", 0, "path"), ""), (("overrides", 0, "match"), {}), (("overrides", 0, "set"), {}),
    (("overrides", 0, "set", "outputs"), {}), (("overrides", 1, "set", "weight"), {"bits": 4}),
    (("overrides", 1, "set", "inputs", "first"), {"bits": 4}), (("overrides", 1, "set", "inputs", "0"), {}),
    (("overrides", 1, "set", "inputs", "0", "1"), {"bits": 4}), (("overrides", 1, "set", "weights", "0"), {"bits": 4}),
]


def put(tree, path, value):
    changed = copy.deepcopy(tree)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return changed


def pipelines(bench):
    """What the schema says of a pipeline with one mistake is what the program says of it."""
    (bench.work / "x.npz").write_bytes(b"")
    validator = bench.schema("pipeline")
    good = parsed(PIPELINE % (bench.root / "examples" / "glyphs" / "model.onnx"))
    require(not faults(validator, good), f"the pipeline without a mistake: {faults(validator, good)}")

    def refused(tree):
        (bench.work / "p.yaml").write_text(json.dumps(tree))
        done = bench.run("run", "p.yaml", "--dry-run")
        return done.returncode == 2, done.stderr
    wrong, text = refused(good)
    require(not wrong, f"the program refuses the pipeline without a mistake: {text}")
    for path, value in WRONG:
        tree = put(good, path, value)
        name = f"{'.'.join(map(str, path))}: {value!r}"
        require(faults(validator, tree), f"valid in spite of {name}")
        wrong, text = refused(tree)
        require(wrong, f"the program accepts {name}: {text}")


def platforms(bench):
    validator = bench.schema("platform")
    good = parsed((bench.root / "plugins" / "platforms" / "onnxruntime-int8.platform.yaml").read_text())
    require(not faults(validator, good), f"the platform without a mistake: {faults(validator, good)}")
    for path, value in [
            (("halftone-platform",), 2), (("titel",), "x"), (("types",), {}), (("types", "activation", "bits"), 33),
            (("types", "activation", "bitz"), 8), (("types", "activation", "symmetry"), "odd"), (("types", "bias"), "fp16"),
            (("types", "activation"), "fp32"), (("operators", 0, "passiv"), True), (("operators", 0, "passive"), "yes"),
            (("operators", 0), {"computing": True}), (("operators", 0, "inputs"), {"x": "weight"}),
            (("operators", 0, "inputs"), {"1": {"axis": 0}}), (("operators", 0, "when"), {"min_opset": 0}),
            (("fusion",), {"activation": []}), (("cost",), {"float": {}}),
            (("cost",), {"unit": "us", "floats": {}}), (("operators", 0, "cost"), {"product": "much"}), (("alignment",), {"concat": "to_both"}), (("pipeline", 0), "constant-foldin")]:
        tree = put(good, path, value)
        name = f"{'.'.join(map(str, path))}: {value!r}"
        require(faults(validator, tree), f"valid in spite of {name}")
        if path[0] == "pipeline":
            continue  # which passes there are is asked when the platform is used
        folder = bench.work / "platforms"
        folder.mkdir(exist_ok=True)
        (folder / "wrong.platform.yaml").write_text(json.dumps(tree | {"id": "wrong"}))
        done = bench.run("platforms", "--plugin-path", folder)
        require(done.returncode != 0, f"the program accepts {name}")


def parameters(bench):
    """Every parameter of every component is there with its default, and the default is valid."""
    schema = bench.schema("pipeline").schema
    count = 0
    for name, definition in schema["$defs"].items():
        kind, component = name.split(".", 1)
        help_text = bench.run("help", kind, component).stdout
        for parameter, body in definition["properties"].items():
            require(f"  {parameter} (" in help_text and body["description"], f"{name}: {parameter} has no help")
            if "default" in body:
                jsonschema.validate(body["default"], body)
            count += 1
    require(count > 20, f"only {count} parameters")


TESTS = (shipped, pipelines, platforms, parameters)
FOLDERS = {"root": "the source tree", "plugins": "the folder of the first-party plug-ins"}


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
