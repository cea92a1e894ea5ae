"""The correction passes from end to end on the example model. Each function is one test; the first argument names it."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

BEFORE = ("constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code", "assign-configs",
          "quantize-fusion", "quantize-simplify", "parameter-quantize", "runtime-calibration", "quant-alignment")
AFTER = ("passive-parameter-quantize", "parameter-baking")
PASSES = ("bias-correction", "round-tuning", "round-tuning: {target: float_output}", "round-tuning: {sequential: false, memory: 1}",
          "seq-mse")


def corrected(bench, name, passes, settings="", platform="tensorrt-int8", extra=()):
    """Runs the pipeline with these passes behind calibration; gives the figures."""
    steps = "".join(f"  - {step}\n" for step in (*BEFORE, *passes, *AFTER))
    test = bench.glyphs / "test"
    (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: {platform}
calibration: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json{settings}}}
evaluate: {{path: {test}/x.npy, labels: {test}/y.npy}}
passes:
{steps}export:
  - path: {name}.onnx
configs_out: {name}.configs
""")
    bench.run("run", f"{name}.yaml", "-q", "--json", f"{name}.json", *extra)
    return bench.json(f"{name}.json")


def narrow(bench):
    """The platform with weights of 4 bits."""
    text = (bench.plugins / "tensorrt-int8.platform.yaml").read_text()
    require("weight: {bits: 8" in text, "the platform's weights are not written as they were")
    text = text.replace("weight: {bits: 8", "weight: {bits: 4").replace("id: tensorrt-int8", "id: narrow")
    (bench.work / "narrow.platform.yaml").write_text(text)
    return {"platform": "narrow", "extra": ("--plugin-path", bench.work)}


def noise(figures):
    return sum(output["noise_to_signal"] for output in figures["outputs"])


def less_noise(bench):
    """With weights of 4 bits every pass leaves less noise than none, and second-order rounding much less."""
    form = narrow(bench)
    plain = noise(corrected(bench, "plain", (), **form))
    for number, step in enumerate(PASSES):
        left = noise(corrected(bench, f"pass{number}", (step,), **form))
        most = 0.7 if step.startswith("round-tuning") else 1
        require(left < most * plain, f"{step}: noise/signal {left}, {plain} without it")


def threads(bench):
    """Byte for byte the same model and configs on one thread and on three."""
    for number, step in enumerate(PASSES):
        for count in (1, 3):
            corrected(bench, f"t{count}", (step,), f", limit: 24, threads: {count}")
        for ending in ("onnx", "configs"):
            require(bench.bytes(f"t1.{ending}") == bench.bytes(f"t3.{ending}"), f"{step}: another {ending} on three threads")


def quantized_biases(bench):
    """Moved biases take their scale from input and weight as others do, and the exported file computes what is simulated."""
    figures = corrected(bench, "q", ("seq-mse", "round-tuning", "bias-correction"), platform="onnxruntime-int8")
    test = bench.glyphs / "test"
    bench.run("evaluate", "q.onnx", "--data", test, "--labels", test / "y.npy", "--preprocess", bench.glyphs / "meta.json",
              "--against", bench.glyphs / "model.onnx", "--json", "exported.json", "-q")
    exported = bench.json("exported.json")
    require(figures["top1"] == exported["top1"], f"top-1 {figures['top1']} simulated, {exported['top1']} exported")
    require(abs(noise(figures) - noise(exported)) < 1e-3 * noise(exported), f"noise {noise(figures)}, exported {noise(exported)}")


def memory_budget(bench):
    """The budget is kept, results are the same, and one that is too small is told."""
    corrected(bench, "free", ("round-tuning", "bias-correction"), ", limit: 24")
    figures = corrected(bench, "held", ("round-tuning", "bias-correction"), ", limit: 24, memory_budget: 96MiB")
    require(bench.bytes("free.onnx") == bench.bytes("held.onnx"), "a memory budget changes the result")
    require(figures["peak_memory_bytes"] < 96 << 20, f"{figures['peak_memory_bytes']} bytes were held")


def bad_samples(bench):
    """Samples that are skipped are skipped by corrections too: the same as if they were not there."""
    data = (bench.glyphs / "calib" / "x.npy").read_bytes()
    (bench.work / "good").mkdir()
    (bench.work / "bad").mkdir()
    head = data[: data.index(b"\n") + 1]
    text = head.decode("latin-1")
    shape = text[text.index("'shape': (") + 10: text.index(")", text.index("'shape'"))].split(",")
    size = 1
    for extent in shape[1:]:
        size *= int(extent) if extent.strip() else 1
    body = data[len(head):]
    one = text.replace(f"({shape[0]},", "(" + " " * (len(shape[0]) + 1)).encode("latin-1")
    for i in range(8):
        for folder in ("good", "bad"):
            (bench.work / folder / f"{i}.npy").write_bytes(one + body[i * size: (i + 1) * size])
    (bench.work / "bad" / "3a.npy").write_bytes(b"\x93NUMPY broken")
    results = []
    for folder in ("good", "bad"):
        steps = "".join(f"  - {step}\n" for step in (*BEFORE, "round-tuning", "bias-correction", *AFTER))
        (bench.work / f"{folder}.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: tensorrt-int8
calibration: {{path: {folder}, preprocess: {bench.glyphs}/meta.json, on_bad_sample: skip}}
passes:
{steps}export:
  - path: {folder}.onnx
""")
        bench.run("run", f"{folder}.yaml", "-q")
        results.append(bench.bytes(f"{folder}.onnx"))
    require(results[0] == results[1], "a sample that is skipped changes the correction")


def statistics_file(bench):
    """Statistics in place of data do not serve a pass that runs the model, and the message says so."""
    bench.run("calibrate", bench.glyphs / "model.onnx", "--calibration", bench.glyphs / "calib", "--preprocess",
              bench.glyphs / "meta.json", "-o", "s.htstats", "-q")
    for step in ("bias-correction", "round-tuning", "seq-mse"):
        steps = "".join(f"  - {name}\n" for name in (*BEFORE, step, *AFTER))
        (bench.work / "s.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: tensorrt-int8
calibration: {{statistics: s.htstats}}
passes:
{steps}export:
  - path: s.onnx
""")
        message = bench.fails("run", "s.yaml", "-q")
        require(f"pass '{step}' runs the model on samples, and 's.htstats' holds statistics of the float model only; give the "
                "calibration data instead of --stats-in" in message.replace(str(bench.work) + "/", ""), message)


WEIGHTS_ONLY = """halftone-platform: 1
id: weights-only
title: weights of 3 bits, activations in float
types:
  activation: {bits: 8, symmetry: symmetric, observer: minmax}
  weight: {bits: 3, symmetry: symmetric, granularity: channel, observer: minmax}
  bias: fp32
operators:
  - {types: [Conv, Gemm], computing: true, inputs: {0: fp32}, outputs: fp32}
dispatcher: conservative
"""


def without_data(bench):
    """Weights alone are quantized and biases corrected from batch normalization without any calibration data; notes of passes
    are in no file."""
    (bench.work / "weights-only.platform.yaml").write_text(WEIGHTS_ONLY)
    left = {}
    for name, steps in (("plain", ()), ("corrected", ("bias-correction: {mode: batch-norm}",))):
        text = "".join(f"  - {step}\n" for step in (*BEFORE[:6], "parameter-quantize", *steps, "parameter-baking"))
        (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: weights-only
passes:
{text}export:
  - path: {name}.onnx
""")
        bench.run("run", f"{name}.yaml", "-q", "--plugin-path", bench.work)
        require(b"halftone.note" not in bench.bytes(f"{name}.onnx"), "a note of a pass was exported")
        bench.run("evaluate", f"{name}.onnx", "--data", bench.glyphs / "test", "--preprocess", bench.glyphs / "meta.json",
                  "--against", bench.glyphs / "model.onnx", "--json", "figures.json", "-q")
        left[name] = noise(bench.json("figures.json"))
    require(left["corrected"] < left["plain"], f"noise/signal {left}")


TESTS = (less_noise, threads, quantized_biases, memory_budget, bad_samples, statistics_file, without_data)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
