"""Widths by operator: measured, chosen, tuned. Each function is one test; the first argument names it."""
import itertools
import json
import os
import pathlib
import sys

import numpy
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

SKIPPED = 77
BEFORE = "[fold-batch-norm, fuse-bias-add, remove-dead-code, assign-configs"
BEHIND = ("quantize-fusion, quantize-simplify, parameter-quantize, runtime-calibration, quant-alignment, "
          "passive-parameter-quantize, parameter-baking]")


def chosen(bench, name, sensitivity, budget, rest="", platform="onnxruntime-int8"):
    """Runs both passes; gives the table, the overrides and the slots."""
    bench.pipeline(name, f"""passes: {BEFORE}, measured-sensitivity: {sensitivity}, mixed-precision: {budget}, {BEHIND}
executor: reference
artefacts: {name}.notes
configs_out: {name}.json
export: [{{path: {name}.onnx}}]
{rest}""", "--json", f"{name}.figures", platform=platform)
    notes = {path.name.split(".", 1)[1]: path for path in (bench.work / f"{name}.notes").iterdir()}
    return (json.loads(notes["sensitivity.json"].read_text()), yaml.safe_load(notes["overrides.yaml"].read_text()),
            bench.slots(f"{name}.json"))


def weight_bits(slots):
    """Of each weight, by operator."""
    return {name: slot["bits"] for (name, kind, direction, number), slot in slots.items()
            if kind in ("Conv", "Gemm") and direction == "inputs" and number == 1}


def least_error(table, most_bits):
    """The least sum of errors within so many bits, from all choices: sums by size, operator after operator."""
    best = {0: 0.0}
    for row in table["operators"]:
        fresh = {}
        for (bits, error), candidate in itertools.product(best.items(), row["candidates"]):
            size, sum_ = bits + row["elements"] * candidate["weights"], error + candidate["error"]
            if size <= most_bits and sum_ < fresh.get(size, float("inf")):
                fresh[size] = sum_
        best = fresh
    return min(best.values())


def sums(table, slots):
    bits, error = 0, 0.0
    widths = weight_bits(slots)
    for row in table["operators"]:
        width = widths[row["nodes"][0]]
        bits += row["elements"] * width
        error += next(c["error"] for c in row["candidates"] if c["weights"] == width)
    return bits, error


CANDIDATES = '{candidates: ["2", "4", "8"], samples: 16}'


def budget(bench):
    """The choice keeps to the size and is the best of all; its overrides make the same model without the passes."""
    for share in (0.3, 0.5, 0.8):
        table, overrides, slots = chosen(bench, "mixed", CANDIDATES, f"{{size_share: {share}}}")
        require(len(table["operators"]) == 13 and table["samples"] == 16, f"{table}")
        most = share * 8 * sum(row["elements"] for row in table["operators"])
        bits, error = sums(table, slots)
        require(bits <= most, f"{bits} bits where {most} are allowed")
        expected = least_error(table, most)
        require(abs(error - expected) <= 1e-6 * max(c["error"] for row in table["operators"] for c in row["candidates"]),
                f"error {error}, possible is {expected}")
        require(len(set(weight_bits(slots).values())) > 1, "all operators have the same width")
        (bench.work / "again.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: onnxruntime-int8
calibration: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json}}
executor: reference
passes: {BEFORE}, {BEHIND}
{yaml.safe_dump(overrides)}
export: [{{path: again.onnx}}]
configs_out: again.json
""")
        bench.run("run", "again.yaml", "-q")
        again = bench.slots("again.json")
        require(weight_bits(again) == weight_bits(slots), "the overrides give other widths")
        require({k: s.get("scale") for k, s in again.items()} == {k: s.get("scale") for k, s in slots.items()},
                "the overrides give other scales")


def threads(bench):
    """The same table, choice and model on any number of threads."""
    results = []
    for count in (1, 3):
        text = f'{{candidates: ["3", "8", "4/8"], samples: 12, loss: kl}}'
        bench.write_pipeline("t", f"""passes: {BEFORE}, measured-sensitivity: {text}, mixed-precision: {{size_share: 0.5}}, {BEHIND}
artefacts: notes{count}
export: [{{path: t{count}.onnx}}]
""")
        text = (bench.work / "t.yaml").read_text().replace("calibration:\n", f"calibration:\n  threads: {count}\n")
        (bench.work / "t.yaml").write_text(text)
        bench.run("run", "t.yaml", "-q")
        results.append([path.read_bytes() for path in sorted((bench.work / f"notes{count}").iterdir())] + [bench.bytes(f"t{count}.onnx")])
    require(results[0] == results[1], "threads change the result")


def isolated(bench):
    """In worker processes, and run twice to be compared: the same tables, choices and model."""
    results = []
    for trust in ("trusted", "isolated", "checked"):
        bench.pipeline("t", f"""trust: {{default: trusted, measured-sensitivity: {trust}, mixed-precision: {trust}, tune-to-accuracy: {trust}}}
passes: {BEFORE}, measured-sensitivity: {{candidates: ["3", "8"], samples: 6}}, mixed-precision: {{size_share: 0.6}},
  quantize-fusion, quantize-simplify, parameter-quantize, runtime-calibration,
  tune-to-accuracy: {{target: 0.01, steps: 3, samples: 12}}, passive-parameter-quantize, parameter-baking]
artefacts: notes.{trust}
export: [{{path: {trust}.onnx}}]
""")
        notes = sorted((bench.work / f"notes.{trust}").iterdir())
        results.append([path.read_bytes() for path in notes] + [bench.bytes(f"{trust}.onnx")])
        require(len(notes) == 4, f"{notes}")
    require(results[0] == results[1], "a worker process changes the result")
    require(results[0] == results[2], "being checked changes the result")


def one_at_a_time(bench):
    """An entry of the table is the error of the model in which this weight alone is quantized so."""
    table, _, _ = chosen(bench, "mixed", '{candidates: ["3", "5"], samples: 0, observer: minmax}', "{size_share: 0.6}",
                         platform="tensorrt-int8")
    names = [row["nodes"][0] for row in table["operators"]]
    for number in (0, 5, 12):
        rows = "".join(f'    - {{match: {{node: "{name}"}}, to: float}}\n' for name in names if name != names[number])
        for candidate in table["operators"][number]["candidates"]:
            bench.pipeline("alone", f"""dispatch:
  method: pointwise
  table:
{rows}
executor: reference
passes: {BEFORE}, {BEHIND}
overrides:
  - match: {{node: "{names[number]}"}}
    set: {{weights: {{bits: {candidate["weights"]}}}, inputs: {{0: {{state: fp32}}}}}}
evaluate: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json}}
""", "--json", "alone.figures", platform="tensorrt-int8")
            found = bench.json("alone.figures")["outputs"][0]["noise_to_signal"]
            require(abs(found - candidate["error"]) <= 1e-4 * found,
                    f"{names[number]} with {candidate['weights']} bits: {candidate['error']}, alone {found}")


def inputs(bench):
    """Weights and inputs: the inputs get their width, and who makes the value the widest of its readers."""
    table, overrides, slots = chosen(bench, "mixed", '{candidates: ["4/4", "8/8"], samples: 8}', "{size_share: 0.7}")
    widths = {row["nodes"][0]: None for row in table["operators"]}
    for name in widths:
        width = slots[name, "Gemm" if "Gemm" in name or (name, "Gemm", "inputs", 0) in slots else "Conv", "inputs", 0]["bits"]
        require(width == weight_bits(slots)[name], f"{name}: inputs of {width} bits, weights of {weight_bits(slots)[name]}")
    require(set(weight_bits(slots).values()) == {4, 8}, f"{weight_bits(slots)}")
    plain, _, _ = chosen(bench, "plain", '{candidates: ["4", "8"], samples: 8}', "{size_share: 0.7}")
    for both, alone in zip(table["operators"], plain["operators"]):
        require(both["candidates"][0]["error"] > alone["candidates"][0]["error"], f"{both} {alone}")


def user_first(bench):
    """A width that an override gives stays, and counts."""
    rest = 'overrides:\n  - match: {op: Gemm}\n    set: {weights: {bits: 6}}\n'
    table, overrides, slots = chosen(bench, "mixed", CANDIDATES, "{size_share: 0.4}", rest)
    name = next(row["nodes"][0] for row in table["operators"] if len(row["candidates"]) == 1)
    require(weight_bits(slots)[name] == 6, f"{weight_bits(slots)}")
    require(all(rule["match"]["node"] != name for rule in overrides["overrides"]), f"{overrides}")


def other_budgets(bench):
    """Latency by the hints of a platform, and the least size for an error."""
    descriptor = (bench.plugins / "onnxruntime-int8.platform.yaml").read_text().replace("id: onnxruntime-int8", "id: costed")
    descriptor = descriptor.replace("operators:\n", "operators:\n  - {types: [Conv, Gemm], cost: {fixed: 10, product: 0.01, "
                                                    "bits: {2: 0.25, 4: 0.5}}}\n", 1)
    (bench.work / "costed.platform.yaml").write_text(descriptor + "\ncost: {unit: cycles}\n")
    body = f"""passes: {BEFORE}, measured-sensitivity: {CANDIDATES}, mixed-precision: {{latency_share: 0.6}}, {BEHIND}
configs_out: mixed.json
"""
    bench.write_pipeline("latency", body, platform="costed")
    done = bench.done("run", "latency.yaml", "--plugin-path", ".")
    require(done.returncode == 0 and "latency" in done.stderr and "cycles" in done.stderr, done.stderr)
    require(len(set(weight_bits(bench.slots("mixed.json")).values())) > 1, "one width for all")
    table, _, slots = chosen(bench, "mixed", CANDIDATES, "{error: 0.01, least: size}")
    bits, error = sums(table, slots)
    require(error <= 0.01 * (1 + 1e-9), f"error {error}")
    smaller = [row["elements"] * (8 - 4) for row in table["operators"]]
    require(bits < 8 * sum(row["elements"] for row in table["operators"]) and smaller, f"{bits} bits")


def labels_path(bench):
    return f"calibration:\n  labels: {bench.glyphs}/calib/y.npy\n"


def tuned(bench, name, settings, overrides, with_labels=False):
    bench.write_pipeline(name, f"""passes: {BEFORE}, quantize-fusion, quantize-simplify, parameter-quantize, runtime-calibration,
  quant-alignment, tune-to-accuracy: {settings}, passive-parameter-quantize, parameter-baking]
artefacts: {name}.notes
evaluate: {{path: {bench.glyphs}/test/x.npy, labels: {bench.glyphs}/test/y.npy}}
export: [{{path: {name}.onnx}}]
configs_out: {name}.json
overrides:
{overrides}""")
    path = bench.work / f"{name}.yaml"
    if with_labels:
        path.write_text(path.read_text().replace("calibration:\n", labels_path(bench)))
    done = bench.done("run", f"{name}.yaml", "--json", f"{name}.figures")
    require(done.returncode == 0, done.stderr)
    notes = {p.name.split(".", 1)[1]: p for p in (bench.work / f"{name}.notes").iterdir()}
    return json.loads(notes["steps.json"].read_text()), yaml.safe_load(notes["overrides.yaml"].read_text()), done


THREE_BITS = "  - match: {op: Conv}\n    set: {weights: {bits: 3}}\n"


def tune(bench):
    """Steps lower the noise one after the other until the target is met; what is not better is taken back."""
    start = tuned(bench, "start", "{target: 1e6}", THREE_BITS)
    require(start[0] == [] and start[1] == {"overrides": []}, f"{start}")
    steps, overrides, done = tuned(bench, "tuned", '{target: 0.01, steps: 30, to: ["8", float], samples: 64}', THREE_BITS)
    kept = [step for step in steps if step["kept"]]
    require(1 <= len(kept) <= 13 and kept[-1]["noise"] <= 0.01, f"{steps}")
    require(all(step["noise"] > 0.01 for step in kept[:-1]), "it went on after the target was met")
    noise = [step["noise"] for step in kept]
    require(noise == sorted(noise, reverse=True), f"{noise}")
    require("did not reach" not in done.stderr, done.stderr)
    before, after = (bench.json(f"{name}.figures")["outputs"][0]["noise_to_signal"] for name in ("start", "tuned"))
    require(after < 0.25 * before, f"noise/signal {before} before, {after} after")
    rules = THREE_BITS + "".join(f"  - {json.dumps(rule)}\n" for rule in overrides["overrides"])
    bench.pipeline("again", f"""passes: {BEFORE}, {BEHIND}
overrides:
{rules}evaluate: {{path: {bench.glyphs}/test/x.npy}}
""", "--json", "again.figures")
    again = bench.json("again.figures")["outputs"][0]["noise_to_signal"]
    require(abs(again - after) < 0.05 * after, f"noise/signal {after}, with the overrides {again}")


def tune_keeps_the_best(bench):
    """A target out of reach: a warning, and the best model; each step that was taken back left nothing behind."""
    steps, _, done = tuned(bench, "tuned", "{target: 0, steps: 40, samples: 24}", THREE_BITS)
    require("did not reach its target" in done.stderr, done.stderr)
    best = float("inf")
    for step in steps:
        require(step["kept"] == (step["noise"] < best), f"{step}, best {best}")
        best = min(best, step["noise"])
    # Once more from the result: nothing else is quantized than what the steps left, and it is as good as they say.
    floats = {step["operator"] for step in steps if step["kept"]}
    for (name, kind, direction, number), slot in bench.slots("tuned.json").items():
        if direction == "inputs" and kind in ("Conv", "Gemm") and number == 1:
            require((slot["state"] == "FP32") == (name in floats), f"{name}: {slot['state']}")


def tune_top1(bench):
    """Hits by labels of the calibration, within a point of float."""
    steps, _, done = tuned(bench, "tuned", '{metric: top1, within: 3, steps: 20, to: ["8"], samples: 96}', THREE_BITS, True)
    kept = [step for step in steps if step["kept"]]
    require(kept and kept[-1]["top1"] >= kept[0]["top1"], f"{steps}")
    require(all(a["top1"] < b["top1"] or (a["top1"] == b["top1"] and a["noise"] > b["noise"]) for a, b in zip(kept, kept[1:])),
            f"{kept}")
    require("did not reach" not in done.stderr, done.stderr)
    steps, _, done = tuned(bench, "agreed", '{metric: agreement, target: 100, steps: 6, to: ["8"], samples: 48}', THREE_BITS)
    require(steps and all("agreement" in step and "top1" not in step for step in steps), f"{steps}")


def data_of(path):
    """Where an array lies: a file may name another one."""
    head = path.read_bytes()[:200]
    return path if head.startswith(b"\x93NUMPY") else (path.parent / head.decode()).resolve()


def resnet(bench):
    """Half the size of 8 bits: better than 4 bits for all."""
    shared = pathlib.Path(os.environ.get("HALFTONE_SHARED", "/nowhere")) / "models" / "resnet20-cifar10"
    if not shared.is_dir():
        print("HALFTONE_SHARED names no folder with models/resnet20-cifar10")
        sys.exit(SKIPPED)
    passes = "[fold-batch-norm, fuse-bias-add, remove-dead-code, assign-configs"
    found = {}
    for name, choice, overrides in (
            ("uniform", "", "overrides:\n  - match: {op: Conv}\n    set: {weights: {bits: 4, observer: mse}}\n"
                            "  - match: {op: Gemm}\n    set: {weights: {bits: 4, observer: mse}}\n"),
            ("mixed", ', measured-sensitivity: {samples: 48, loss: kl, candidates: ["2", "3", "4", "5", "6", "8"]}, '
                      "mixed-precision: {size_share: 0.5}", ""),
            ("estimated", ', second-order-sensitivity: {samples: 48, loss: kl, probes: 32, candidates: ["2", "3", "4", "5", "6", "8"]}, '
                          "mixed-precision: {size_share: 0.5}", "")):
        (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: {shared}/model.onnx
platform: onnxruntime-int8
calibration: {{path: {data_of(shared / "calib/x.npy")}, preprocess: {shared}/meta.json, limit: 256}}
evaluate: {{path: {data_of(shared / "test/x.npy")}, labels: {data_of(shared / "test/y.npy")}, limit: 500}}
passes: {passes}{choice}, {BEHIND}
{overrides}""")
        bench.run("run", f"{name}.yaml", "--quiet", "--json", f"{name}.figures")
        found[name] = bench.json(f"{name}.figures")
    noise = {name: figures["outputs"][0]["noise_to_signal"] for name, figures in found.items()}
    require(noise["mixed"] < noise["uniform"], f"{noise}")
    require(found["mixed"]["top1"] > found["uniform"]["top1"], f"{found}")
    require(found["estimated"]["top1"] > found["uniform"]["top1"], f"{found}")


TESTS = (budget, threads, isolated, one_at_a_time, inputs, user_first, other_budgets, tune, tune_keeps_the_best, tune_top1, resnet)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
