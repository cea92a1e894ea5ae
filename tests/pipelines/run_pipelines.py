"""Pipelines from end to end on the example model. Each function is one test; the first argument names it."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import fixtures  # noqa: E402
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402


def explicit_passes(bench):
    """A list of passes with parameters is what runs, in that order and with those parameters."""
    bench.pipeline("explicit", """passes:
  - fold-batch-norm
  - constant-folding
  - remove-identity
  - remove-dead-code
  - assign-configs
  - quantize-fusion: {activations: [Relu]}
  - quantize-simplify
  - parameter-quantize
  - runtime-calibration: {observer: percentile}
  - quant-alignment: {elementwise: none, concat: to_output}
  - passive-parameter-quantize
  - parameter-baking
export:
  - {format: onnx-qdq, path: explicit.onnx}
configs_out: explicit.json
""", "--json", "figures.json")
    steps = [step["pass"] for step in bench.json("figures.json")["steps"]]
    require(steps[0] == "fold-batch-norm" and steps[-1] == "parameter-baking" and len(steps) == 13, f"the passes were {steps}")
    rules = [slot["rule"] for slot in bench.slots("explicit.json").values() if slot.get("set_by") == "runtime-calibration"]
    require(rules and all(rule.startswith("percentile") for rule in rules), f"the ranges were found by {sorted(set(rules))[:5]}")
    bench.run("evaluate", "explicit.onnx", "--data", bench.glyphs / "test", "--preprocess", bench.glyphs / "meta.json",
              "--limit", 4)


def rewritten_graph(bench):
    """Passes on the float graph alone write a float model that computes the same; quantized behind them it stays close."""
    float_passes = """  - constant-folding
  - fuse-swish: {smooth: microsoft}
  - replace-batch-norm: {as: scale}
  - decompose-gemm
  - fuse-gemm
  - split-parameters
  - remove-dead-code
"""
    (bench.work / "float.yaml").write_text(f"halftone: 1\nmodel: {bench.glyphs}/model.onnx\npasses:\n{float_passes}"
                                           "export:\n  - {format: onnx-qdq, path: float.onnx}\n")
    bench.run("run", "float.yaml", "--quiet")
    listed = bench.run("inspect", "float.onnx")
    require("BatchNormalization" not in listed and "com.microsoft.QuickGelu" in listed, f"the operators are\n{listed}")
    against = ("--data", bench.glyphs / "test", "--preprocess", bench.glyphs / "meta.json", "--limit", 32,
               "--against", bench.glyphs / "model.onnx", "--quiet", "--json")
    bench.run("evaluate", "float.onnx", *against, "float.json")
    noise = bench.json("float.json")["outputs"][0]["noise_to_signal"]
    require(noise < 1e-10, f"the rewritten model has a noise/signal of {noise}")
    bench.pipeline("behind", f"""passes:
{float_passes}  - assign-configs
  - quantize-fusion
  - quantize-simplify
  - parameter-quantize
  - runtime-calibration
  - passive-parameter-quantize
export:
  - {{format: onnx-qdq, path: behind.onnx}}
""")
    bench.run("evaluate", "behind.onnx", *against, "behind.json")
    noise = bench.json("behind.json")["outputs"][0]["noise_to_signal"]
    require(noise < 0.05, f"quantized behind these passes it has a noise/signal of {noise}")


def dispatchers(bench):
    """A dispatcher, a table and --dispatcher decide which nodes are quantized; the others say why, and explain prints it."""
    def quantized(name, body, *args):
        bench.pipeline(name, f"{body}configs_out: {name}.json\n", *args)
        operations = bench.json(f"{name}.json")["operations"]
        require(all(op.get("reason") for op in operations if not op["quantized"]), f"{name}: an operator in float has no reason")
        unquantized = [op["op"] for op in operations if not op["quantized"]
                       for slot in op["inputs"] + op["outputs"] if "bits" in slot]
        require(not unquantized, f"{name}: {unquantized} are in float and have configs")
        return {op["op"]: op["type"] for op in operations if op["quantized"]}

    everything = quantized("all", "dispatch: allin\n")
    weighted = {"Conv", "Gemm", "MatMul", "ConvTranspose"}
    alone = quantized("alone", "", "--dispatcher", "pointwise")
    require(alone == {name: op for name, op in everything.items() if op in weighted}, f"pointwise quantized {alone}")
    require(quantized("plain", "") == quantized("conservative", "dispatch: conservative\n"), "the platform says conservative")
    first = next(name for name, op in everything.items() if op == "Conv")
    table = quantized("table", "dispatch:\n  method: allin\n  table:\n    - {match: {op: Conv}, to: soi}\n"
                      f"    - {{match: {{node: '{first}'}}, to: quantize}}\n")
    expected = {name for name, op in everything.items() if op != "Conv" or name == first}
    require(set(table) == expected, f"the table gave {sorted(table)}")
    soi = [op for op in bench.json("table.json")["operations"] if op["platform"] == "SOI"]
    require(soi and all("dispatch table at" in op["reason"] for op in soi), f"shapes and indices: {soi[:2]}")
    printed = bench.run("explain", "table.yaml")
    require("node in float" in printed and "dispatch table at" in printed, printed[-2000:])
    require("dispatcher allin (" in printed and "), 2 exceptions" in printed, printed[:400])
    printed = bench.run("explain", "table.yaml", "--dispatcher", "pplnn")
    require("dispatcher pplnn (--dispatcher), 2 exceptions" in printed, printed[:400])


def same_results(bench, option, values):
    """Byte for byte the same model and configs for every value of an option, and once more for the first."""
    for name, value in zip(("first", "second", "again"), (*values, values[0])):
        bench.quantize(name, option, value)
        for ending in ("onnx", "json"):
            require(bench.bytes(f"{name}.{ending}") == bench.bytes(f"first.{ending}"),
                    f"{option} {value} gives another {ending} file than {option} {values[0]}")


def determinism_threads(bench):
    same_results(bench, "--threads", (1, 2))


def determinism_batch(bench):
    same_results(bench, "--batch", (1, 32))


def read_back(bench):
    """What `quantize` simulates is what the exported file computes."""
    test = bench.glyphs / "test"
    bench.quantize("out", "--test", test, "--labels", test / "y.npy", "--json", "simulated.json")
    bench.run("evaluate", "out.onnx", "--data", test, "--labels", test / "y.npy", "--preprocess", bench.glyphs / "meta.json",
              "--against", bench.glyphs / "model.onnx", "--json", "exported.json", "--quiet")
    simulated, exported = bench.json("simulated.json"), bench.json("exported.json")
    for figure in ("top1", "top5", "agreement"):
        require(simulated[figure] == exported[figure], f"{figure}: {simulated[figure]} simulated, {exported[figure]} exported")
    for a, b in zip(simulated["outputs"], exported["outputs"], strict=True):
        for figure in ("noise_to_signal", "cosine"):
            require(abs(a[figure] - b[figure]) <= 1e-3 * abs(a[figure]),
                    f"{figure} of '{a['name']}': {a[figure]} simulated, {b[figure]} exported")
    require(simulated["top1"] > simulated["float_top1"] - 0.03, f"top-1 fell from {simulated['float_top1']} to {simulated['top1']}")


def executors_agree(bench):
    """Both executors lead to the same configs. They add in different orders, so scales agree to a tolerance."""
    for executor in ("onednn", "reference"):
        bench.quantize(executor, "--limit", 16, "--observer", "minmax", "--executor", executor)
    fast, plain = bench.slots("onednn.json"), bench.slots("reference.json")
    require(fast.keys() == plain.keys(), "the executors lead to different slots")
    for key, slot in fast.items():
        other = plain[key]
        require(slot["state"] == other["state"], f"{key}: {slot['state']} and {other['state']}")
        # A config that stays in float has no scale.
        pairs = zip(slot.get("scale") or [], other.get("scale") or [], strict=True)
        require(all(abs(a - b) <= 1e-5 * abs(b) for a, b in pairs), f"{key}: scales {slot['scale']} and {other['scale']}")


def overrides(bench):
    """Rules apply in order; what no rule matches keeps what the platform says."""
    bench.pipeline("rules", """overrides:
  - match: {op: Gemm}
    set: {inputs: {state: fp32}, outputs: {state: fp32}}
  - match: {op: MaxPool}
    set: {outputs: {state: fp32}}
export:
  - path: rules.onnx
configs_out: rules.json
""")
    slots = bench.slots("rules.json")
    wrong = [key for key, slot in slots.items()
             if (key[1] == "Gemm" or key[1:3] == ("MaxPool", "outputs")) and slot["state"] != "FP32"]
    require(not wrong, f"not left in float: {wrong}")
    convolutions = [slot["state"] for key, slot in slots.items() if key[1:] == ("Conv", "inputs", 1)]
    require(convolutions and "FP32" not in convolutions, f"weights of the convolutions: {convolutions}")
    reasons = [slot["reason"] for key, slot in slots.items() if key[1] == "Gemm"]
    require(all("rules.yaml:" in reason for reason in reasons), f"the reasons name no rule: {reasons}")
    override_slots(bench)


def override_observers(bench):
    """An observer of a rule goes before one that a pass names, as if the pass had named it for these slots alone."""
    passes = ("passes: [assign-configs, quantize-fusion, quantize-simplify, {parameter-quantize: {observer: %s}}, "
              "{runtime-calibration: {observer: %s}}]\nconfigs_out: %s.json\n")
    percentile = "percentile, observer_parameters: [percentile=0.9]"
    for op, part, slot in (("Gemm", "outputs", ("outputs", 0)), ("Conv", "weights", ("inputs", 1))):
        bench.pipeline("passes", passes % ("mse", percentile, "passes"))
        bench.pipeline("wanted", passes % ("minmax", "minmax", "wanted"))
        bench.pipeline("rule", passes % ("mse", percentile, "rule") +
                       f"overrides:\n  - match: {{op: {op}}}\n    set: {{{part}: {{observer: minmax}}}}\n")
        by_pass, wanted, by_rule = (bench.slots(f"{name}.json") for name in ("passes", "wanted", "rule"))
        named = [key for key in by_rule if key[1] == op and key[2:] == slot]
        require(named, f"no {part} of {op}")
        for key in by_rule:
            as_wanted = wanted if key in named else by_pass
            require(by_rule[key]["scale"] == as_wanted[key]["scale"], f"{part} of {op}, {key}: {by_rule[key]}")
        require(all(by_rule[key]["observer"] == "minmax" for key in named), f"{named}")
        require(any(by_rule[key]["scale"] != by_pass[key]["scale"] for key in named), "the observers agree by chance")


def override_idle(bench):
    """A rule whose observer has nothing to find is refused; one of which something is left is warned about."""
    bench.pipeline("plain", "configs_out: plain.json\n")
    slots = bench.slots("plain.json")
    fused = sorted(key[0] for key, slot in slots.items() if key[1:] == ("Conv", "outputs", 0) and slot["state"] == "OVERLAPPED")
    require(fused, "no convolution is fused with what follows")
    rule = "overrides:\n  - match: {node: '%s'}\n    set: {outputs: {observer: mse}}\nconfigs_out: idle.json\n"
    bench.write_pipeline("idle", rule % fused[0])
    told = bench.fails("run", "idle.yaml")
    require("the observer 'mse' of this rule has no range to find: the output 0 of" in told and "takes the scale of" in told, told)
    bench.write_pipeline("some", rule % "*")
    done = bench.done("run", "some.yaml")
    require(done.returncode == 0 and "warning: some.yaml:" in done.stderr and "has no range to find at" in done.stderr, done.stderr)


def override_slots(bench):
    """Weights, biases, activations and single slots change alone; what speaks of fewer goes before."""
    bench.pipeline("plain", "export:\n  - path: plain.onnx\nconfigs_out: plain.json\n")
    plain = bench.slots("plain.json")
    rules = (("{weights: {bits: 4}}", "weight", ("bits", 4)), ("{bias: {state: fp32}}", "bias", ("state", "FP32")),
             ("{activations: {bits: 16}}", "data", ("bits", 16)), ("{inputs: {1: {bits: 6}}}", "weight", ("bits", 6)),
             ("{inputs: {bits: 5, 0: {bits: 16}, 2: {bits: 32}}, weights: {bits: 8}}", "in0", ("bits", 16)))
    for rule, which, (key, value) in rules:
        bench.pipeline("slots", "overrides:\n  - match: {op: Conv}\n    set: " + rule +
                       "\nexport:\n  - path: slots.onnx\nconfigs_out: slots.json\n")
        changed = 0
        for slot, found in bench.slots("slots.json").items():
            _, op, direction, number = slot
            kind = {"weight": ("inputs", 1), "bias": ("inputs", 2), "in0": ("inputs", 0)}.get(which, (direction, number))
            named = op == "Conv" and (direction, number) == kind and not (which == "data" and direction == "inputs" and number > 0)
            if named and plain[slot]["state"] not in ("FP32", "fp32"):
                require(found[key] == value, f"{rule}: {slot} has {key} {found[key]}")
                changed += 1
            elif op == "Conv" and direction == "inputs":
                require(found["bits"] == plain[slot]["bits"], f"{rule}: {slot} has changed")
        require(changed > 0, f"{rule}: no slot was there to be changed")


def equalization(bench):
    """Equalization in front of the configs lowers the noise of per-tensor weights, changes no float result, and gives the
    same bytes on any number of threads."""
    test = f"evaluate: {{path: {bench.glyphs}/test/x.npy}}\n"
    clean = ["constant-folding", "remove-identity", "fold-batch-norm", "remove-dead-code"]
    quantize = ["assign-configs", "parameter-quantize", "runtime-calibration", "passive-parameter-quantize", "parameter-baking"]

    def noise(name, passes, threads=0):
        head = f"  threads: {threads}\n{test}passes: {json.dumps(clean + passes + quantize)}\nexport:\n  - path: {name}.onnx\n"
        bench.pipeline(name, head, "--json", f"{name}.figures", platform="naive-int8")
        return bench.json(f"{name}.figures")["outputs"][0]["noise_to_signal"]

    plain = noise("plain", [])
    for number, passes in enumerate((
            [{"layerwise-equalization": {"include_activations": True}}],
            ["cross-layer-equalization", "bias-absorption"],
            [{"activation-equalization": {"threshold": 1.5}}],
            [{"activation-equalization": {"method": "direct", "strength": 0.6, "range": "least_error"}}],
            ["channelwise-split"],
            ["ssd-equalization"])):
        first = noise(f"first{number}", passes, 1)
        second = noise(f"second{number}", passes, 2)
        require(first == second and bench.bytes(f"first{number}.onnx") == bench.bytes(f"second{number}.onnx"),
                f"{passes} gives other results on two threads than on one")
        if number < 2 or passes == ["ssd-equalization"]:
            require(first < 0.7 * plain, f"{passes}: noise/signal {first}, without {plain}")
        bench.pipeline(f"float{number}", f"passes: {json.dumps(clean + passes)}\nexport:\n  - path: float{number}.onnx\n")
        bench.run("evaluate", f"float{number}.onnx", "--data", bench.glyphs / "test", "--preprocess", bench.glyphs / "meta.json",
                  "--against", bench.glyphs / "model.onnx", "--json", "float.figures", "--quiet")
        change = bench.json("float.figures")["outputs"][0]["noise_to_signal"]
        require(change < 1e-8, f"{passes} changes the float outputs by {change}")


def evaluates(bench):
    """`evaluate:` gives the figures of `quantize --test --labels`; `calibration.labels` those of the calibration samples."""
    test, labels = bench.glyphs / "test" / "x.npy", bench.glyphs / "test" / "y.npy"
    figures = ("samples", "float_top1", "top1", "top5", "agreement", "outputs")
    bench.quantize("command", "--test", test, "--labels", labels, "--json", "command.figures")
    table = bench.pipeline("file", f"evaluate: {{path: {test}, labels: {labels}}}\nexport:\n  - path: file.onnx\n", "--json", "file.figures")
    require(table == "", "--quiet prints the table")
    for figure in figures:
        require(bench.json("command.figures")[figure] == bench.json("file.figures")[figure], f"{figure} of the file is another")
    require(bench.bytes("command.onnx") == bench.bytes("file.onnx"), "an evaluation changes the model")
    # The calibration's preprocessing holds whether or not either side names the model's only input.
    meta, calib = bench.glyphs / "meta.json", bench.glyphs / "calib" / "x.npy"
    one = f"calibration: {{path: {calib}, preprocess: {meta}}}"
    named = f"calibration: {{inputs: {{input: {{path: {calib}, preprocess: {meta}}}}}}}"
    for number, lines in enumerate((
            (one, f"evaluate: {{inputs: {{input: {{path: {test}}}}}, labels: {labels}}}"),
            (named, f"evaluate: {{path: {test}, labels: {labels}}}"))):
        (bench.work / "mixed.yaml").write_text("\n".join(["halftone: 1", f"model: {bench.glyphs}/model.onnx", "platform: onnxruntime-int8", *lines]))
        bench.run("run", "mixed.yaml", "--quiet", "--json", "mixed.figures")
        for figure in figures:
            require(bench.json("mixed.figures")[figure] == bench.json("file.figures")[figure], f"{figure} of mixed form {number} is another")
    bench.pipeline("limit", f"evaluate: {{path: {test}, limit: 20}}\n", "--json", "limit.figures")
    found = bench.json("limit.figures")
    require(found["samples"] == 20 and "top1" not in found and "agreement" in found, f"figures without labels: {found}")
    (bench.work / "labels.yaml").write_text("\n".join([
        "halftone: 1", f"model: {bench.glyphs}/model.onnx", "platform: onnxruntime-int8",
        "calibration: {path: %s, labels: %s, limit: 64, preprocess: %s}" % (test, labels, bench.glyphs / "meta.json"),
        "export: [{path: labels.onnx}]"]))
    table = bench.run("run", "labels.yaml", "--json", "labels.figures")
    found = bench.json("labels.figures")
    require(found["samples"] == 64 and found["float_top1"] > 0.9, f"figures of the calibration samples: {found}")
    require("int8 top-1" in table and "output 'logits'" in table, f"the table: {table}")


def dry_run(bench):
    """The plan goes to standard output; nothing is computed or written."""
    plan = bench.pipeline("plan", "export:\n  - path: plan.onnx\nconfigs_out: plan.json\n", "--dry-run")
    require("runtime-calibration" in plan and "parameter-baking" in plan, f"no plan: {plan}")
    require(bench.files() == ["plan.yaml"], f"files after a dry run: {bench.files()}")
    text = (bench.work / "plan.yaml").read_text().replace("plan.onnx", "no/such/folder/plan.onnx")
    (bench.work / "plan.yaml").write_text(text)
    require("runtime-calibration" in bench.run("explain", "plan.yaml"), "`explain` wants folders that only a run writes to")


def inspects(bench):
    """`inspect` tells what of an exported file is quantized, and what the configs beside it say."""
    require("the model is float" in bench.run("inspect", bench.glyphs / "model.onnx"), "the example model is not float")
    bench.quantize("out.int8", platform="onnxruntime-int8")
    (bench.work / "out.int8.json").rename(bench.work / "out.configs.json")
    text = bench.run("inspect", "out.int8.onnx")
    rows = {line.rsplit(maxsplit=3)[0].strip(): line.split()[-3:] for line in text.splitlines() if len(line.split()) >= 4}
    require(rows["int8 per channel"] == ["0", "13", "0"], f"weights: {rows}")
    require(rows["int32 per channel"] == ["0", "0", "13"], f"biases: {rows}")
    require(rows["uint8 per tensor"][1:] == ["0", "0"] and int(rows["uint8 per tensor"][0]) > 15, f"activations: {rows}")
    require(rows["Conv"] == ["12", "0", "0"] and rows["Gemm"] == ["1", "0", "0"], f"operators: {rows}")
    require(rows["Relu"] == ["0", "6", "0"] and "in float:" not in text, f"operators: {rows}")
    states = [slot["state"] for slot in bench.slots("out.configs.json").values() if "bits" in slot]
    for state in set(states):
        line = next((line for line in text.splitlines() if line.startswith(state + " ")), "")
        require(line.split() == [state, str(states.count(state))], f"{state}: '{line}', {states.count(state)} configs")
    require("onnxruntime-int8" in text, "the platform of the configs is not named")
    bench.pipeline("rule", "overrides:\n  - match: {op: Gemm}\n    set: {inputs: {state: fp32}, outputs: {state: fp32}}\n"
                           "export:\n  - path: rule.onnx\n")
    text = bench.run("inspect", "rule.onnx", "--configs", "out.configs.json")
    require("in float:" in text and "(Gemm)" in text and "ACTIVATED" in text, f"the Gemm in float: {text}")


def profiles(bench):
    """`profile` reports every node once, on its own or inside a step, on samples and on random numbers, with every executor."""
    data = ("--data", bench.glyphs / "calib", "--preprocess", bench.glyphs / "meta.json", "--limit", 4)
    nodes = {}
    for executor in ("onednn", "reference"):
        text = bench.run("profile", bench.glyphs / "model.onnx", *data, "--runs", 2, "--threads", 2, "--executor", executor, "--json",
                         "figures.json")
        figures = bench.json("figures.json")
        require(figures["samples"] == 8 and figures["workers"] == 2 and figures["samples_per_second"] > 0, f"totals: {figures}")
        require("samples per second, all workers" in text and "processor time per sample" in text, text)
        steps = [step for step in figures["steps"] if not step["type"].startswith("(")]
        nodes[executor] = sorted(step["name"] for step in steps)
        require(len(set(nodes[executor])) == len(steps), f"{executor} reports a node twice: {nodes[executor]}")
        require(all(step["runs"] == 10 for step in steps if "inside" not in step), f"runs: {steps}")
        together = sum(step.get("milliseconds", 0) for step in figures["steps"])
        require(abs(together - figures["milliseconds_of_steps"]) < 1e-6, "the steps do not add up")
        require(abs(together - sum(t["milliseconds"] for t in figures["types"])) < 1e-6, "the types do not add up")
    untimed = set(nodes["reference"]) - set(nodes["onednn"])
    require(set(nodes["onednn"]) < set(nodes["reference"]), f"onednn reports nodes that are none: {nodes}")
    require(all(name.startswith(("/Constant", "/Flatten")) for name in untimed), f"onednn leaves out {untimed}")
    require(any("inside" in step for step in random_samples(bench)["steps"]), "no activation runs inside a convolution")


def random_samples(bench):
    """Random samples, every value handed over or only the outputs."""
    bench.run("profile", bench.glyphs / "model.onnx", "--runs", 1, "--emit-all", "--json", "all.json", "--quiet")
    emitted = [step for step in bench.json("all.json")["steps"] if step["type"] == "(output)"]
    bench.run("profile", bench.glyphs / "model.onnx", "--runs", 1, "--json", "few.json", "--quiet")
    figures = bench.json("few.json")
    require(len(emitted) > sum(step["type"] == "(output)" for step in figures["steps"]), "--emit-all hands over no more")
    return figures


def passes_listed(bench):
    lines = bench.run("passes").splitlines()[1:]
    names = [line.split()[0] for line in lines]
    require(len(names) >= 13 and names == sorted(names), f"passes: {names}")
    for name in names:
        require(name in bench.run("help", "pass", name), f"no help for {name}")


def observers(bench):
    """Each observer finds ranges, and not the same ones as another."""
    seen = {}
    for observer in ("minmax", "percentile", "kl", "mse"):
        bench.quantize(observer, "--observer", observer)
        scales = [tuple(slot["scale"]) for slot in bench.slots(f"{observer}.json").values()
                  if slot.get("set_by") == "runtime-calibration"]
        require(scales, f"{observer} found no range")
        require(all(scale > 0 for entry in scales for scale in entry), f"{observer} gave a scale that is not positive")
        same = next((other for other, found in seen.items() if found == scales), None)
        require(same is None, f"{observer} and {same} found the same ranges")
        seen[observer] = scales


def configs_only(bench):
    """A pipeline may write the configs and no model."""
    bench.pipeline("configs", "configs_out: configs.json\n")
    require(bench.files() == ["configs.json", "configs.yaml"], f"files: {bench.files()}")


def presets(bench):
    for preset, platform in (("naive", "naive-int8"), ("ppq-compat", "ppq-trt-int8")):
        bench.quantize(preset, "--preset", preset, platform=platform)
        require(bench.json(f"{preset}.json")["platform"] == platform, f"the platform of preset {preset}")


SWISH = "y = Mul(t, Sigmoid(t)) where t = Conv(_, _, _?)"
RESIDUAL = "y = Add(Conv(*), _)"


def platform_with(bench, name, fusion):
    """The platform of the other tests with other fusions, as a file of its own."""
    text = (bench.plugins / "onnxruntime-int8.platform.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("id:", "fusion:"))]
    (bench.work / f"{name}.platform.yaml").write_text("\n".join([*lines, f"id: {name}", f"fusion: {fusion}", ""]))


def fused_by(slots, pattern):
    return {key: slot for key, slot in slots.items() if slot.get("reason") == f"fused by pattern '{pattern}'"}


def fusion_patterns(bench):
    """Patterns of a pipeline file: what is inside an occurrence has no scale of its own, and the export no Q/DQ there."""
    bench.pipeline("fused", f"""passes:
  - fold-batch-norm
  - assign-configs
  - quantize-fusion:
      patterns:
        - {SWISH}
        - {RESIDUAL}
        - y = Tanh(Conv(*))   # occurs nowhere, which is no error
  - quantize-simplify
  - parameter-quantize
  - runtime-calibration
  - passive-parameter-quantize
  - parameter-baking
export:
  - path: fused.onnx
configs_out: fused.json
""")
    slots = bench.slots("fused.json")
    swish, residual = fused_by(slots, SWISH), fused_by(slots, RESIDUAL)
    # Of each swish: the outputs of Conv and Sigmoid, the inputs of Sigmoid and both of Mul.
    require(len(swish) == 10, f"swish: {sorted(swish)}")
    require(len(residual) == 4, f"residual: {sorted(residual)}")
    states = {slot["state"] for slot in (*swish.values(), *residual.values())}
    require(states == {"OVERLAPPED"}, f"states inside of occurrences: {states}")
    for pattern in (SWISH, RESIDUAL):
        places = bench.run("inspect", "fused.onnx", "--match", pattern).splitlines()[1]
        require(places == "2 places", f"the exported model quantizes inside of {pattern}: {places}")


def platform_patterns(bench):
    """Patterns of a platform file do what the same patterns of a pipeline do, and what the rule for swish does."""
    other = "activations: [Relu, Clip], passive: true, mish: false"
    platform_with(bench, "pattern", f"{{patterns: ['{SWISH}'], swish: false, {other}}}")
    platform_with(bench, "rule", f"{{swish: true, {other}}}")
    for name in ("pattern", "rule"):
        bench.quantize(name, "--plugin-path", f"{name}.platform.yaml", platform=name)
    pattern, rule = bench.slots("pattern.json"), bench.slots("rule.json")
    require(len(fused_by(pattern, SWISH)) == 10, "the platform's pattern fused nothing")
    require(pattern.keys() == rule.keys(), "the platforms lead to different slots")
    for key, slot in pattern.items():
        require((slot["state"], slot.get("scale")) == (rule[key]["state"], rule[key].get("scale")), f"{key}: {slot} {rule[key]}")
    require(bench.bytes("pattern.onnx") == bench.bytes("rule.onnx"), "the exported models differ")


def platform_settings(bench):
    """A choice for a platform's setting changes the types; the plan and the file of configs say so."""
    bench.quantize("plain")
    bench.quantize("narrow", "--platform-setting", "cpu=avx2")
    for name, cpu, limits in (("plain", "vnni", (-127, 127)), ("narrow", "avx2", (-64, 63))):
        require(bench.json(f"{name}.json")["platform_settings"] == {"cpu": cpu}, f"{name}.json does not name its choice")
        weights = [slot for slot in bench.slots(f"{name}.json").values()
                   if slot["is_parameter"] and slot.get("bits") == 8 and slot["state"] == "BAKED"]
        require(weights and all((slot["qmin"], slot["qmax"]) == limits for slot in weights), f"{name}: codes other than {limits}")
    head = f"halftone: 1\nmodel: {bench.glyphs}/model.onnx\nplatform:\n  onnxruntime-int8: {{cpu: avx2}}\n"
    data = f"calibration: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json}}\n"
    (bench.work / "settings.yaml").write_text(head + data + "export: [{path: yaml.onnx}]\n")
    bench.run("run", "settings.yaml", "--quiet")
    require(bench.bytes("yaml.onnx") == bench.bytes("narrow.onnx"), "the file and the option do not mean the same")
    plan = bench.run("explain", "settings.yaml")
    require("onnxruntime-int8 (cpu: avx2)" in plan and "weights use -64..63" in plan, f"the plan: {plan}")
    require("avx2" in bench.run("help", "platform", "onnxruntime-int8"), "the help does not list the choices")


def watched(bench, *args):
    """Runs the program; gives its exit code, standard error and largest resident set in bytes."""
    process = bench.start(*args, stderr=subprocess.PIPE)
    text = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    return process.returncode, text, usage.ru_maxrss * 1024


def fits(peak, budget):
    """Sanitizers take memory of their own."""
    return any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")) or peak <= budget


def memory_of_samples(bench):
    """Samples of any size: larger ones are run while they fit, the first that does not ends the run by its name."""
    shape = ["N", 3, "H", "W"]
    (bench.work / "any.onnx").write_bytes(onnx.model(
        [onnx.conv(), onnx.node("Relu", ["c"], ["y"])], [onnx.value_info("x", shape)],
        [onnx.value_info("y", ["N", 4, "H", "W"])], initializers=[onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS)]))
    (bench.work / "x").mkdir()
    for i, side in enumerate((8, 16, 100, 60, 101, 102, 103, 104)):
        (bench.work / "x" / f"{i}.npy").write_bytes(fixtures.npy_bytes("<f4", (3, side, side), bytes(3 * side * side * 4)))
    run = ("calibrate", "any.onnx", "-c", "x", "-o", "any.htstats", "--observe-for", "tensorrt-int8", "--threads", 2)
    code, text, peak = watched(bench, *run, "--memory-budget", "100MiB")
    require(code == 0, text)
    require(fits(peak, 100 << 20), f"the peak was {peak} bytes")
    side = 2000
    (bench.work / "x" / "9.npy").write_bytes(fixtures.npy_bytes("<f4", (3, side, side), bytes(3 * side * side * 4)))
    (bench.work / "any.htstats").unlink()
    code, text, peak = watched(bench, *run, "--memory-budget", "100MiB")
    require(code == 1 and "memory budget leaves" in text and "for sample 9.npy" in text, f"exit {code}: {text}")
    require(fits(peak, 100 << 20), f"the peak of the refused run was {peak} bytes")
    require(not (bench.work / "any.htstats").exists(), "a refused run left statistics")


def memory_budget(bench):
    """The plan is told, the peak stays below it, fewer workers change nothing, and too small a budget is refused."""
    def quantize(name, *args):
        return watched(bench, "quantize", bench.glyphs / "model.onnx", "-p", "onnxruntime-int8", "-c", bench.glyphs / "calib",
                       "--preprocess", bench.glyphs / "meta.json", "-o", f"{name}.onnx", "--test", bench.glyphs / "test", *args)
    code, text, _ = quantize("free", "--threads", 8, "--memory-budget", "2GiB")
    require(code == 0, text)
    planned = re.search(r"memory: ([0-9.]+) of 2048.0 MiB with 8 workers", text)
    require(planned, f"no plan for 8 workers in: {text}")
    budget = int(float(planned[1])) - 1  # too little for all eight
    code, text, peak = quantize("tight", "--threads", 8, "--memory-budget", f"{budget}MiB")
    require(code == 0, text)
    workers = int(re.search(r"with ([0-9]+) worker", text)[1])
    require(workers < 8, f"{workers} workers in {budget} MiB")
    require(fits(peak, budget << 20), f"the peak was {peak} bytes, the budget {budget} MiB")
    require(bench.bytes("free.onnx") == bench.bytes("tight.onnx"), "the budget changes the result")
    code, text, _ = quantize("none", "--memory-budget", "1MiB")
    require(code == 1 and "the memory budget of 1 MiB is too small" in text, f"1 MiB: {code} {text}")
    require(not (bench.work / "none.onnx").exists(), "a refused run left a model")


def memory_of_analysis(bench):
    """An analysis keeps to the budget with the figures that it has without, refuses one that is too small, and names the sample
    that is too large for it."""
    def analyze(name, *args):
        code, text, peak = watched(bench, "analyze", bench.glyphs / "model.onnx", "-p", "tensorrt-int8", "-c", bench.glyphs / "calib",
                                   "--preprocess", bench.glyphs / "meta.json", "--json", f"{name}.json", *args)
        figures = bench.json(f"{name}.json") if code == 0 else {}
        figures.pop("analysis_seconds", None)
        return code, text, peak, figures
    code, text, _, free = analyze("free", "--threads", 8)
    require(code == 0 and "memory:" not in text, text)
    code, text, _, figures = analyze("wide", "--threads", 8, "--memory-budget", "2GiB")
    require(code == 0 and figures == free, f"a budget changes the figures: {text}")
    wide, narrow = (max(float(f) for f in re.findall(r"memory: ([0-9.]+) of", analyze("x", "--threads", n, "--memory-budget", "2GiB")[1]))
                    for n in (8, 1))
    require(wide > narrow + 5, f"{wide} MiB for 8 workers, {narrow} for one")
    budget = int((wide + narrow) / 2)
    code, text, peak, figures = analyze("tight", "--threads", 8, "--memory-budget", f"{budget}MiB")
    require(code == 0 and figures == free, f"{budget} MiB: {code} {text}")
    require(fits(peak, budget << 20), f"the peak was {peak} bytes, the budget {budget} MiB")
    code, text, _, _ = analyze("none", "--threads", 8, "--memory-budget", f"{int(narrow) - 4}MiB")
    require(code == 1 and "is too small: one worker needs" in text, f"{code} {text}")
    shape = ["N", 3, "H", "W"]
    (bench.work / "any.onnx").write_bytes(onnx.model(
        [onnx.conv(), onnx.node("Relu", ["c"], ["y"])], [onnx.value_info("x", shape)],
        [onnx.value_info("y", ["N", 4, "H", "W"])], initializers=[onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS)]))
    for folder, sides in (("x", (8, 16)), ("large", (8, 2000))):
        (bench.work / folder).mkdir()
        for i, side in enumerate(sides):
            path = bench.work / folder / f"{i}.npy"
            path.write_bytes(fixtures.npy_bytes("<f4", (3, side, side), b""))
            os.truncate(path, path.stat().st_size + 3 * side * side * 4)  # what this process holds would count as the program's
    code, text, peak = watched(bench, "analyze", "any.onnx", "-p", "tensorrt-int8", "-c", "x", "--data", "large", "--memory-budget", "100MiB")
    require(code == 1 and "memory budget leaves" in text and "for sample 1.npy" in text, f"exit {code}: {text}")
    require(fits(peak, 100 << 20), f"the peak of the refused analysis was {peak} bytes")


def stopped_by_ctrl_c(bench):
    """An interrupted run ends with 130 and leaves no half-written file. The reference executor is slow enough to be caught;
    a machine on which it is not finishes the run, which is no fault."""
    command = [bench.halftone, "quantize", bench.glyphs / "model.onnx", "-p", "onnxruntime-int8", "-c", bench.glyphs / "calib",
               "-o", "out.onnx", "--executor", "reference", "--threads", "1"]
    with subprocess.Popen([str(part) for part in command], cwd=bench.work, env=bench.environment, stderr=subprocess.PIPE,
                          text=True) as running:
        lines = []
        for line in running.stderr:
            lines.append(line)
            if "parameter-quantize" in line:  # the next step is the calibration
                break
        running.send_signal(signal.SIGINT)
        lines += running.stderr.readlines()
        code = running.wait(60)
    if code == 0:
        return
    require(code == 130, f"exit code {code}: {''.join(lines)}")
    require(bench.files() == [], f"files after an interrupted run: {bench.files()}")
    require(lines[-1].strip() != "" and "cancel" in "".join(lines), f"the messages: {''.join(lines)}")


TESTS = (
    explicit_passes, dispatchers, rewritten_graph, determinism_threads, determinism_batch, read_back, executors_agree, overrides, override_observers, override_idle, equalization, evaluates, inspects, profiles,
    dry_run, passes_listed,
    observers, configs_only, presets, fusion_patterns, platform_patterns, platform_settings, memory_budget, memory_of_samples, memory_of_analysis,
    stopped_by_ctrl_c)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
