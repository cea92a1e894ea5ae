"""Settings of PPQ that become pipelines, on the example model and, where there are some, settings that PPQ wrote. Each function
is one test; the first argument names it."""
import copy
import json
import os
import pathlib
import sys

from glyphs import FOLDERS, Bench

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from test_main import require, run_tests  # noqa: E402

SKIPPED = 77

# What PPQ 0.6.6 writes for a setting that nobody changed, with the examples of its dispatching table.
DEFAULT = {
    "bias_correct": False,
    "bias_correct_setting": {"block_size": 4, "collecting_device": "executor", "interested_layers": [], "steps": 32},
    "dispatcher": "conservative",
    "dispatching_table": {
        "attention": "All operation names that can not be found with your graph will be ignored.",
        "dispatchings": {"FP32 OPERATION NAME": 0, "SOI OPERATION NAME": -1, "TRT INT8 OPERATION NAME": 101,
                         "YOUR OEPRATION NAME": "TARGET PLATFORM(INT)"},
        "intro_0": "Dispatching Table is a str -> TargetPlatform dictionary."},
    "equalization": False,
    "fusion": True,
    "fusion_setting": {"align_avgpooling_to": "None", "align_concat_to": "Align to Output",
                       "align_elementwise_to": "Align to Large", "align_quantization": True,
                       "align_resize_to": "Align to Output", "force_alignment_overlap": True, "fuse_activation": True,
                       "fuse_passive_op": True, "remove_useless_quantization": True},
    "lsq_optimization": False,
    "quantize_activation": True,
    "quantize_activation_setting": {"calib_algorithm": "minmax"},
    "quantize_parameter": True,
    "quantize_parameter_setting": {"baking_parameter": True, "calib_algorithm": None, "quantize_passive_parameter": True},
    "signature": "PPL Quantization Tool",
    "version": "0.6.6",
}
GRAPH_PASSES = ["constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code", "assign-configs"]


def changed(**values):
    """The default with other values; those of a group are merged."""
    setting = copy.deepcopy(DEFAULT)
    for key, value in values.items():
        setting[key] = setting.get(key, {}) | value if isinstance(value, dict) else value
    return setting


def convert(bench, name, setting, *args, platform="ONNXRUNTIME"):
    """Writes a setting as PPQ does and converts it to NAME.yaml; gives what the terminal showed."""
    (bench.work / f"{name}.json").write_text(json.dumps(setting, sort_keys=True, indent=4))
    done = bench.done("convert-setting", f"{name}.json", "--platform", platform, "--model", bench.glyphs / "model.onnx",
                      "--calibration", bench.glyphs / "calib/x.npy", "--preprocess", bench.glyphs / "meta.json",
                      "-o", f"{name}.yaml", *args)
    require(done.returncode == 0, f"the conversion of '{name}' ended with {done.returncode}: {done.stderr}")
    require(not done.stdout, f"the conversion printed {done.stdout[:200]!r}")
    return done.stderr


def by_hand(bench, name, platform, passes, rest=""):
    """A pipeline as a user writes it; gives its configs."""
    text = [f"halftone: 1", f"model: {bench.glyphs}/model.onnx", f"platform: {platform}",
            f"calibration: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json}}", "passes:"]
    text += [f"  - {step}" for step in passes]
    (bench.work / f"{name}.yaml").write_text("\n".join(text) + f"\nconfigs_out: {name}.configs\n" + rest)
    bench.run("run", f"{name}.yaml", "--quiet")
    return operations(bench, f"{name}.configs")


def operations(bench, name):
    """The configs without the lines of files in their reasons."""
    def plain(slot):
        return {key: value for key, value in slot.items() if key != "reason"}
    return [{**operation, **{way: [plain(slot) for slot in operation[way]] for way in ("inputs", "outputs")}, "reason": ""}
            for operation in bench.json(name)["operations"]]


def same(bench, name, platform, passes, rest=""):
    bench.run("run", f"{name}.yaml", "--quiet")
    converted, written = operations(bench, "model.configs.json"), by_hand(bench, f"{name}-hand", platform, passes, rest)
    require(converted == written, f"'{name}' gives other configs than the pipeline written by hand")
    require(any(slot.get("scale") for operation in converted for slot in operation["inputs"]), f"'{name}' has no scales")
    require((bench.work / "model.int8.onnx").stat().st_size > 0, f"'{name}' exported nothing")



def ours(bench):
    """The default setting runs as the platform's own passes with the setting's observer."""
    told = convert(bench, "plain", DEFAULT)
    require("quant-alignment: onnxruntime-int8 has rules of its own" in told and "elementwise: none (PPQ: to_large)" in told,
            f"the other alignment is not told: {told}")
    same(bench, "plain", "onnxruntime-int8", [
        *GRAPH_PASSES, "quantize-fusion", "quantize-simplify", "parameter-quantize", "weight-scale-search",
        "runtime-calibration: {observer: minmax}", "quant-alignment", "passive-parameter-quantize", "parameter-baking"])


def exact(bench):
    """With --exact passes decide as PPQ's do, as the preset ppq-compat has them."""
    told = convert(bench, "exact", changed(quantize_activation_setting={"calib_algorithm": "Percentile"}), "--exact",
                   "--ppq-batch", 16, platform="TRT_INT8")
    require(told == "", f"warned: {told}")
    passes = [*GRAPH_PASSES[:-1], "dispatch: {ppq_paths: true}", GRAPH_PASSES[-1]]
    same(bench, "exact", "ppq-trt-int8", [
        *passes, "quantize-fusion", "quantize-simplify", "parameter-quantize",
        "runtime-calibration: {calibrate_on: quantized_weights, group: 16}",  # percentile is the platform's choice
        "quant-alignment: {ppq_range: true, ppq_reach: true}", "passive-parameter-quantize", "parameter-baking"])
    convert(bench, "guess", changed(quantize_activation_setting={"calib_algorithm": None}), "--exact", platform="TRT_INT8")
    require("group: 32" in (bench.work / "guess.yaml").read_text(), "the guess of PPQ's batch is not in the file")


def choices(bench):
    """What a setting changes is in the passes: alignment, fusion, weights' observer, a table of operators in float."""
    convert(bench, "plain", DEFAULT)
    bench.run("run", "plain.yaml", "--quiet")
    node = [operation["op"] for operation in bench.json("model.configs.json")["operations"] if operation["type"] == "Conv"][3]
    told = convert(bench, "choices", changed(
        fusion_setting={"align_elementwise_to": "Align to Output", "force_alignment_overlap": False, "fuse_activation": False,
                        "fuse_passive_op": False, "remove_useless_quantization": False},
        quantize_parameter_setting={"calib_algorithm": "MinMax", "baking_parameter": False},
        dispatching_table={"dispatchings": {node: 0, "no such operation": 0}}))
    require("the row of 'no such operation' is left out: the cleaned model has no such node" in told, f"a row is lost: {told}")
    same(bench, "choices", "onnxruntime-int8", [
        *GRAPH_PASSES, "quantize-fusion: {fuse_activation: false, passive: false}", "parameter-quantize: {observer: minmax}",
        "runtime-calibration: {observer: minmax}", "quant-alignment: {elementwise: to_output, force_overlap: false}",
        "passive-parameter-quantize"],
        f"dispatch:\n  table:\n    - {{match: {{node: \"{node}\"}}, to: float}}\n")
    (dispatched,) = [operation for operation in operations(bench, "model.configs.json") if operation["op"] == node]
    require(not dispatched["quantized"], f"'{node}' is quantized")


def platforms(bench):
    """A platform of PPQ becomes that of the same name as soon as there is one."""
    (bench.work / "plug").mkdir()
    text = (bench.plugins / "ppq-trt-int8.platform.yaml").read_text().replace("id: ppq-trt-int8", "id: ppq-mnn-int8")
    (bench.work / "plug/ppq-mnn-int8.platform.yaml").write_text(text)
    (bench.work / "s.json").write_text(json.dumps(DEFAULT))
    none = bench.fails("convert-setting", "s.json", "--platform", "MNN_INT8")
    require("PPQ's platform MNN_INT8 has no counterpart yet" in none, none)
    told = convert(bench, "mnn", DEFAULT, "--plugin-path", "plug", platform="mnn_int8")
    require("PPQ's MNN_INT8 becomes ppq-mnn-int8, which is there to compare results" in told, told)
    require("platform: ppq-mnn-int8  # MNN_INT8" in (bench.work / "mnn.yaml").read_text(), "another platform")
    bench.run("run", "mnn.yaml", "--plugin-path", "plug", "--quiet")


def halves(bench):
    """Activations or weights alone: passes that would need the others are left out, and the run tells so."""
    told = convert(bench, "weights", changed(quantize_activation=False))
    require("quant-alignment is left out: it needs runtime-calibration, which the setting switches off" in told, told)
    same(bench, "weights", "onnxruntime-int8", [*GRAPH_PASSES, "quantize-fusion", "quantize-simplify", "parameter-quantize",
                                                "weight-scale-search", "parameter-baking"])
    convert(bench, "activations", changed(quantize_parameter=False))
    same(bench, "activations", "onnxruntime-int8", [*GRAPH_PASSES, "quantize-fusion", "quantize-simplify",
                                                    "runtime-calibration: {observer: minmax}", "quant-alignment"])


def training(bench):
    """Passes that train are in the pipeline with PPQ's parameters; layers that are needed are asked for."""
    told = convert(bench, "training", changed(
        lsq_optimization=True, lsq_optimization_setting={"steps": 250}, blockwise_reconstruction=True, weight_split=True,
        matrix_factorization=True, extension=True, dispatcher="PPLNN", graph_format_setting={"fuse_conv_bn": False}))
    text = (bench.work / "training.yaml").read_text()
    for words in ("PPQ refuses it without names of layers", "PPQ 0.6.6 does nothing for this key but warn"):
        require(words in told, f"not told: {words}\n{told}")
        require(words.split()[0] in text, f"not in the file: {words}")
    require("`graph_format_setting.fuse_conv_bn` has no effect: PPQ never reads it" in told, told)
    require("no training" not in told, told)
    for step in ("  - learned-step-size:", "  - adaround:"):
        require(step in text, f"not in the file: {step}\n{text}")
    for words in ("steps: 250", "is_scale_trainable: true", "block_size: 4", "steps: 5000"):
        require(words in text, f"not in the file: {words}\n{text}")
    require(text.index("- learned-step-size") < text.index("- adaround") < text.index("- passive-parameter-quantize"),
            "training stands behind the scales of biases, which follow from it")
    require("pplnn" in text, "the dispatcher is lost")
    bench.run("explain", "training.yaml")


def incomplete(bench):
    """Without platform, model and samples the file says what to name, and --set names it."""
    (bench.work / "s.json").write_text(json.dumps(DEFAULT))
    done = bench.done("convert-setting", "s.json")
    require(done.returncode == 0, done.stderr)
    require("a setting does not name platform, model, calibration; name them in the pipeline, or with --platform, --model, "
            "--calibration here" in done.stderr, done.stderr)
    (bench.work / "p.yaml").write_text(done.stdout)
    plan = bench.run("explain", "p.yaml", "--set", "platform=tensorrt-int8", "--set", f"model={bench.glyphs}/model.onnx",
                     "--set", f"calibration.path={bench.glyphs}/calib/x.npy")
    require('elementwise="to_large"' in plan, f"PPQ's alignment is not in the plan:\n{plan}")


def written_by_ppq(bench):
    """Settings that PPQ wrote for its own runs on real models convert and explain."""
    shared = os.environ.get("HALFTONE_SHARED")
    if not shared:
        print("no settings that PPQ wrote: HALFTONE_SHARED is not set")
        sys.exit(SKIPPED)
    seen = set()  # most runs differ in model and platform, which a setting does not name
    for file in sorted(pathlib.Path(shared, "oracle", "ppq").glob("*/*.json")):
        run = json.loads(file.read_text())
        key = (run.get("platform") == "ONNXRUNTIME", json.dumps(run.get("settings"), sort_keys=True))
        if "settings" not in run or key in seen:
            continue
        seen.add(key)
        for exactly in ([], ["--exact"]):
            name = f"{file.stem}{len(exactly)}"
            # Not every platform of PPQ has its like.
            platform = run["platform"] if run["platform"] == "ONNXRUNTIME" and not exactly else "TRT_INT8"
            told = convert(bench, name, run["settings"], *exactly, platform=platform)
            require("has no key" not in told, f"{file}: {told}")
            plan = bench.run("explain", f"{name}.yaml")
            require("runtime-calibration" in plan, f"{file}: no calibration in the plan:\n{plan}")
            require(("quantize-fusion" in plan) == run["settings"]["fusion"], f"{file}: fusion is lost:\n{plan}")
    require(len(seen) >= 10, f"{len(seen)} settings in '{shared}'")


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, [ours, exact, choices, platforms, halves, training, incomplete, written_by_ppq], Bench, FOLDERS))
