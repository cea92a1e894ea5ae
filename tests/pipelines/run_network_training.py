"""Training of the whole quantized network from end to end. Each function is one test; the first argument names it."""
import ast
import json
import os
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from fixtures import npy  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402
from training_checkpoint import killed_within, run_to_the_end, steps_done  # noqa: E402
from run_correction import AFTER, BEFORE, corrected, narrow, noise  # noqa: E402

SHORT = "epochs: 3, batch: 16, lr: 0.0005, scale_lr: 0.0005"


def training(parameters=SHORT):
    return (f"quantization-aware-training: {{{parameters}}}",)


def labelled(bench, more=""):
    return f", labels: {bench.glyphs}/calib/y.npy{more}"


def epochs(bench, name):
    """What the pass wrote about its epochs."""
    found = list((bench.work / name).glob("*quantization-aware-training.epochs.json"))
    require(len(found) == 1, f"{len(found)} files about epochs in {name}")
    return json.loads(found[0].read_text())


def less_noise(bench):
    """Towards the float network: less noise than plain rounding, on samples that were not trained on."""
    form = narrow(bench)
    plain = noise(corrected(bench, "plain", (), **form))
    for name, losses in (("error", ""), ("teacher", ", error: 0, teacher: 1, temperature: 2")):
        left = noise(corrected(bench, name, training(SHORT + losses), **form))
        require(left < 0.8 * plain, f"{name}: noise/signal {left}, {plain} without it")


def labels(bench):
    """By the classes of the samples: the loss falls from epoch to epoch, and the best one is kept."""
    form = narrow(bench)
    extra = ("--set", "artefacts=files", *form.pop("extra"))
    corrected(bench, "q", training(SHORT + ", labels: 1, error: 0, validation: 0"), labelled(bench), extra=extra, **form)
    told = epochs(bench, "files")
    losses = [epoch["loss"] for epoch in told["epochs"]]
    require(len(losses) == 3 and losses[told["best"] - 1] == min(losses), f"best {told['best']} of {losses}")
    require(min(losses) < 0.8 * told["before"]["loss"], f"{told['before']['loss']} became {losses}")


def methods(bench):
    """Every method brings a network that is better than without it, or gives it back untouched."""
    form = narrow(bench)
    plain = noise(corrected(bench, "plain", (), **form))
    kept = []
    for kind, names in (("weights", ("fixed", "lsq", "lsq-plus", "dsq", "tqt", "dorefa", "power-of-two", "adaround")),
                        ("activations", ("fixed", "lsq-plus", "pact", "dsq", "tqt", "power-of-two", "qdrop"))):
        for method in names:
            left = noise(corrected(bench, "method", training(f"{SHORT}, {kind}: {method}, measure: noise, validation: 0"), **form))
            require(left < 1.1 * plain, f"{kind}: {method}: noise/signal {left}, {plain} without it")
            if left < 0.9 * plain:
                kept.append((kind, method))
    require(len(kept) >= 12, f"only {kept} helped")


def method_parameters(bench):
    """Numbers, texts and flags of a method reach it, and change the result; unknown ones are told."""
    form = narrow(bench)
    results = []
    for given in ("", ", weight_parameters: [initial=mean]", ", activations: dsq", ", activations: dsq, activation_parameters: [alpha=0.05]",
                  ", activations: qdrop, activation_parameters: [keep=1, gradient_scale=false]"):
        corrected(bench, "q", training(f"{SHORT}, validation: 0{given}"), ", limit: 40", **form)
        results.append(bench.bytes("q.onnx") + bench.bytes("q.configs"))
    require(len(set(results)) == 5, "a parameter of the method changes nothing")


def threads(bench):
    """Byte for byte the same model and configs on one thread and on three."""
    form = narrow(bench)
    for step in (training(SHORT + ", labels: 1, teacher: 1"), training(SHORT + ", activations: qdrop, weights: adaround")):
        for count in (1, 3):
            corrected(bench, f"t{count}", step, labelled(bench, f", limit: 40, threads: {count}") if "labels" in step[0]
                      else f", limit: 40, threads: {count}", **form)
        for ending in ("onnx", "configs"):
            require(bench.bytes(f"t1.{ending}") == bench.bytes(f"t3.{ending}"), f"{step}: another {ending} on three threads")


def spilled(bench):
    """Samples in a temporary file give the same bytes, and the file is gone."""
    form = narrow(bench)
    folder = bench.work / "tmp"
    folder.mkdir()
    os.environ["TMPDIR"] = str(folder)
    corrected(bench, "held", training(), **form)
    corrected(bench, "spilled", training(SHORT + ", memory: 1"), **form)
    require(bench.bytes("held.onnx") == bench.bytes("spilled.onnx"), "where the data lies changes the result")
    require(not list(folder.iterdir()), f"left behind: {list(folder.iterdir())}")


def taken_back(bench):
    """A rate that destroys everything changes no byte of model and scales."""
    form = narrow(bench)
    corrected(bench, "plain", (), ", limit: 40", **form)
    corrected(bench, "worse", training("epochs: 2, batch: 8, lr: 1, scale_lr: 1, schedule: constant"), ", limit: 40", **form)
    require(bench.bytes("plain.onnx") == bench.bytes("worse.onnx"), "a network that got worse was kept")


def seeds(bench):
    """The seed decides, and nothing else does."""
    form = narrow(bench)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        corrected(bench, name, training(f"{SHORT}, seed: {seed}"), ", limit: 40", **form)
    require(bench.bytes("a.onnx") == bench.bytes("b.onnx"), "the same seed gives another model")
    require(bench.bytes("a.onnx") != bench.bytes("c.onnx"), "another seed gives the same model")


def frozen(bench):
    """What is not to be learned keeps its bytes: with `learn: [scales]` and the weights of other layers than the named ones."""
    form = narrow(bench)
    corrected(bench, "plain", (), ", limit: 40", **form)
    corrected(bench, "weights", training(f"{SHORT}, learn: [weights, biases], layers: ['*head*']"), ", limit: 40", **form)
    plain, weights = bench.slots("plain.configs"), bench.slots("weights.configs")
    moved = [name for name in plain if plain[name].get("scales") != weights[name].get("scales")]
    require(not moved, f"scales moved: {moved}")
    corrected(bench, "scales", training(f"{SHORT}, learn: [scales]"), ", limit: 40", **form)
    require(bench.bytes("plain.configs") != bench.bytes("scales.configs"), "no scale was learned")


def killed(bench):
    """Killed again and again and started again, with a checkpoint after every step: the bytes of a run that nobody disturbed."""
    form = narrow(bench)
    steps = training(f"{SHORT}, labels: 1, checkpoint_steps: 1, checkpoint: state")
    setting = labelled(bench, ", limit: 100, threads: 1")
    corrected(bench, "whole", steps, setting, **form)
    state = bench.work / "state"
    last = steps_done(state)
    require(last >= 12, f"{last} steps, of which three parts are to be killed")
    state.unlink()
    (bench.work / "again.yaml").write_text((bench.work / "whole.yaml").read_text().replace("whole", "again"))
    done = 0
    for most in (last // 3, 2 * last // 3, last - 1):
        done = killed_within(bench, "again", state, done + 1, most, form["extra"])
    run_to_the_end(bench, "again", state, form["extra"])
    for ending in ("onnx", "configs"):
        require(bench.bytes(f"whole.{ending}") == bench.bytes(f"again.{ending}"), f"a killed run ends with another {ending}")


def checkpoint_of_others(bench):
    """A checkpoint is refused where model, data or parameters are others, passed over when told to, and a finished one is enough."""
    form = narrow(bench)
    saved = f"{SHORT}, checkpoint: state"
    corrected(bench, "first", training(saved), ", limit: 40", **form)
    state = bench.bytes("state")
    corrected(bench, "again", training(saved), ", limit: 40", **form)
    require(bench.bytes("first.onnx") == bench.bytes("again.onnx"), "a finished checkpoint gives another model")
    require(bench.bytes("state") == state, "a finished training wrote its checkpoint again")
    for other, parameters, setting in (("parameters", saved + ", seed: 3", ", limit: 40"), ("data", saved + ", samples: 30", ", limit: 40"),
                                       ("model", saved, ", limit: 40")):
        passes = (*(("bias-correction",) if other == "model" else ()), *training(parameters))
        body = "".join(f"  - {step}\n" for step in (*BEFORE, *passes, *AFTER))
        (bench.work / "other.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: narrow
calibration: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json{setting}}}
passes:
{body}export:
  - path: other.onnx
""")
        told = bench.fails("run", "other.yaml", "-q", *form["extra"])
        require(f"the checkpoint 'state' is of a training with other {other}; name another file, or set `resume: false`" in told, told)
    corrected(bench, "anew", training(saved + ", seed: 3, resume: false"), ", limit: 40", **form)
    corrected(bench, "free", training(SHORT + ", seed: 3"), ", limit: 40", **form)
    require(bench.bytes("anew.onnx") == bench.bytes("free.onnx"), "`resume: false` does not begin anew")


def as_exported(bench):
    """Learned zero points, biases that follow the scales that moved: the exported file computes what is simulated."""
    figures = corrected(bench, "q", training(SHORT + ", activations: lsq-plus"), platform="onnxruntime-int8")
    test = bench.glyphs / "test"
    bench.run("evaluate", "q.onnx", "--data", test, "--labels", test / "y.npy", "--preprocess", bench.glyphs / "meta.json",
              "--against", bench.glyphs / "model.onnx", "--json", "exported.json", "-q")
    exported = bench.json("exported.json")
    require(figures["top1"] == exported["top1"], f"top-1 {figures['top1']} simulated, {exported['top1']} exported")
    require(abs(noise(figures) - noise(exported)) < 1e-3 * noise(exported), f"noise {noise(figures)}, exported {noise(exported)}")


def memory_budget(bench):
    """The budget is kept, and the results are the same."""
    corrected(bench, "free", training(), ", limit: 40")
    figures = corrected(bench, "held", training(), ", limit: 40, memory_budget: 96MiB")
    require(bench.bytes("free.onnx") == bench.bytes("held.onnx"), "a memory budget changes the result")
    require(figures["peak_memory_bytes"] < 96 << 20, f"{figures['peak_memory_bytes']} bytes were held")


def normalized(bench):
    """Folded normalizations trained by the batch: nearer to the float network, the same bytes on any number of threads."""
    form = narrow(bench)
    plain = noise(corrected(bench, "plain", (), **form))
    for count in (1, 3):
        left = noise(corrected(bench, f"n{count}", training(SHORT + ", batch_norm: train, measure: noise"),
                               f", threads: {count}", **form))
        require(left < 0.9 * plain, f"noise/signal {left}, {plain} without it")
    require(bench.bytes("n1.onnx") == bench.bytes("n3.onnx"), "another model on three threads")
    corrected(bench, "frozen", training(SHORT + ", measure: noise"), **form)
    require(bench.bytes("n1.onnx") != bench.bytes("frozen.onnx"), "normalizations are not trained")


def four_bits(bench):
    """The platform `four`: weights and activations of 4 bits."""
    platform = (bench.plugins / "tensorrt-int8.platform.yaml").read_text()
    for old, new in (("id: tensorrt-int8", "id: four"), ("weight: {bits: 8", "weight: {bits: 4"),
                     ("{bits: 8, signed: true", "{bits: 4, signed: true")):
        require(old in platform, f"the platform is not written as it was: no '{old}'")
        platform = platform.replace(old, new)
    (bench.work / "four.platform.yaml").write_text(platform)


def equalized(bench):
    """Normalizations are known behind equalization: all twelve are trained by the batch, at 4 bits, with less noise and more hits."""
    four_bits(bench)
    reports = {}
    recipe = "epochs: 5, batch: 16, lr: 0.001, scale_lr: 0.001, batch_norm: train, measure: noise"
    for name, middle in (("plain", ()), ("trained", training(recipe))):
        steps = (*BEFORE[:5], "layerwise-equalization: {value_threshold: 0}", *BEFORE[5:], *middle, *AFTER)
        (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: four
calibration: {{path: {bench.glyphs}/calib/x.npy, preprocess: {bench.glyphs}/meta.json}}
evaluate: {{path: {bench.glyphs}/test/x.npy, labels: {bench.glyphs}/test/y.npy}}
passes:
""" + "".join(f"  - {step}\n" for step in steps) + f"export:\n  - path: {name}.onnx\n")
        told = bench.done("run", f"{name}.yaml", "--plugin-path", bench.work, "--json", f"{name}.json")
        require(told.returncode == 0, told.stderr)
        reports[name] = told.stdout + told.stderr
    require("12 layers" in reports["trained"], f"not all normalizations are trained by the batch: {reports['trained']}")
    plain, trained = (json.loads((bench.work / f"{name}.json").read_text()) for name in ("plain", "trained"))
    require(noise(trained) < 0.8 * noise(plain), f"noise/signal {noise(trained)}, {noise(plain)} without training")
    require(trained["top1"] > plain["top1"] + 0.02, f"top-1 {trained['top1']}, {plain['top1']} without training")


def rows(files, first, last):
    """An .npy file of the rows from `first` on of the first file, up to `last`, and all of the others."""
    header, parts, count = None, [], 0
    for number, file in enumerate(files):
        data = file.read_bytes()
        require(data[:8] == b"\x93NUMPY\x01\x00", f"{file} is not written as it was")
        size = 10 + struct.unpack_from("<H", data, 8)[0]
        header = ast.literal_eval(data[10:size].decode())
        each = (len(data) - size) // header["shape"][0]
        begin, end = (first, last) if number == 0 else (0, header["shape"][0])
        parts.append(data[size + begin * each:size + end * each])
        count += end - begin
    return header["descr"], (count, *header["shape"][1:]), b"".join(parts)


def by_labels_at_four_bits(bench):
    """Weights and activations of 4 bits, trained by labels: many more hits on pictures that no training has seen, and the same bytes twice."""
    four_bits(bench)
    for what in ("x", "y"):
        test, calibration = (bench.glyphs / part / f"{what}.npy" for part in ("test", "calib"))
        npy(bench.work / f"learn.{what}.npy", *rows((test, calibration), 0, 300))
        npy(bench.work / f"unseen.{what}.npy", *rows((test,), 300, 500))
    recipe = "labels: 1, error: 0, epochs: 8, batch: 32, lr: 0.002, scale_lr: 0.001, warm_up: 10, measure: top1, validation: 0.2"
    for name, middle in (("plain", ()), ("trained", training(recipe)), ("again", training(recipe))):
        steps = (*BEFORE[:5], "layerwise-equalization: {value_threshold: 0}", *BEFORE[5:], *middle, *AFTER)
        (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: four
calibration: {{path: learn.x.npy, labels: learn.y.npy, preprocess: {bench.glyphs}/meta.json}}
evaluate: {{path: unseen.x.npy, labels: unseen.y.npy}}
passes:
""" + "".join(f"  - {step}\n" for step in steps) + f"export:\n  - path: {name}.onnx\n")
        bench.run("run", f"{name}.yaml", "-q", "--plugin-path", bench.work, "--json", f"{name}.json")
    plain, trained = (bench.json(f"{name}.json")["top1"] for name in ("plain", "trained"))
    require(trained > plain + 0.3, f"top-1 {trained}, {plain} without training")
    require(bench.bytes("trained.onnx") == bench.bytes("again.onnx"), "the same training gives another model")


def re_estimated(bench):
    """Statistics of the quantized network bring it closer to the float network, with the same bytes on any number of threads."""
    form = narrow(bench)
    plain = noise(corrected(bench, "plain", (), **form))
    for count in (1, 3):
        left = noise(corrected(bench, f"bn{count}", ("bn-re-estimation",), f", threads: {count}", **form))
        require(left < plain, f"noise/signal {left}, {plain} without it")
    require(bench.bytes("bn1.onnx") == bench.bytes("bn3.onnx"), "another model on three threads")
    slots, kept = bench.slots("plain.configs"), bench.slots("bn1.configs")
    moved = [name for name in slots if name[1] == "Conv" and name[2:] == ("inputs", 1) and slots[name].get("scales") != kept[name].get("scales")]
    require(not moved, f"scales of weights moved: {moved}")


def fixed_batch(bench):
    """A model that says it takes one row: its samples are computed one by one, and batches of the pass are made of them."""
    nodes = [onnx.node("Conv", ["x", "w", "b"], ["c"], "conv"),
             onnx.node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["n"], "norm"),
             onnx.node("Relu", ["n"], ["r"], "relu"), onnx.node("Reshape", ["r", "shape"], ["y"], "reshape")]
    numbers = [((i * 37) % 29 - 14) / 20 for i in range(36)]
    shape = onnx.fields(1, (2,)) + onnx.field(2, 7) + onnx.field(8, "shape") + onnx.field(9, struct.pack("<2q", 1, 144))
    stored = [onnx.tensor("w", (4, 1, 3, 3), numbers), shape]
    for name, values in (("b", [0, 0.1, 0, -0.1]), ("gamma", [1, 0.5, 2, 1]), ("beta", [0.2, 0, 0.1, 0]), ("mean", [0.1, 0, -0.1, 0]),
                         ("variance", [1, 2, 1, 0.5])):
        stored.append(onnx.tensor(name, (4,), values))
    (bench.work / "one.onnx").write_bytes(onnx.model(nodes, [onnx.value_info("x", [1, 1, 8, 8])], [onnx.value_info("y", [1, 144])], stored))
    npy(bench.work / "x.npy", "<f4", (12, 1, 8, 8), struct.pack("<768f", *[((i * 53) % 31 - 15) / 9 for i in range(768)]))
    form = narrow(bench)
    for name, step in (("estimated", "bn-re-estimation: {batch: 12}"), ("trained", *training("epochs: 2, batch: 12, validation: 0"))):
        steps = "".join(f"  - {each}\n" for each in (*BEFORE, step, *AFTER))
        (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: one.onnx
platform: narrow
calibration: {{path: x.npy}}
passes:
{steps}export:
  - path: {name}.q.onnx
""")
        bench.run("run", f"{name}.yaml", "-q", *form["extra"])


def checkpoint_beside_others(bench):
    """Somebody's file beside the checkpoint stays as it is, and nothing else is left behind."""
    form = narrow(bench)
    (bench.work / "state.part").write_text("mine")
    corrected(bench, "q", training(f"{SHORT}, checkpoint: state"), ", limit: 24", **form)
    require((bench.work / "state.part").read_text() == "mine", "a file of somebody else was written over")
    parts = [path.name for path in bench.work.glob("state*")]
    require(sorted(parts) == ["state", "state.part"], f"left behind: {parts}")


def integer_value(name, shape):
    dims = b"".join(onnx.field(1, onnx.field(2 if isinstance(extent, str) else 1, extent)) for extent in shape)
    return onnx.field(1, name) + onnx.field(2, onnx.field(1, onnx.field(1, 7) + onnx.field(2, dims)))


def of_many_parts(bench):
    """Two inputs, one of integers, a table and a weight that two layers share, two outputs behind a softmax: all of it is trained."""
    width, count = 8, 12
    numbers = [((i * 37) % 29 - 14) / 20 for i in range(200)]
    nodes = [onnx.node("Gather", ["table", "index"], ["found"], "table"), onnx.node("Add", ["x", "found"], ["sum"], "add"),
             onnx.node("MatMul", ["sum", "w"], ["a"], "first"), onnx.node("Relu", ["a"], ["b"], "relu"),
             onnx.node("MatMul", ["b", "w"], ["c"], "second"), onnx.node("Tanh", ["c"], ["state"], "tanh"),
             onnx.node("Softmax", ["c"], ["y"], "softmax")]
    stored = [onnx.tensor("table", (5, width), numbers[:5 * width]), onnx.tensor("w", (width, width), numbers[64:128])]
    (bench.work / "parts.onnx").write_bytes(onnx.model(
        nodes, [onnx.value_info("x", ["N", width]), integer_value("index", ["N"])],
        [onnx.value_info("y", ["N", width]), onnx.value_info("state", ["N", width])], stored))
    npy(bench.work / "x.npy", "<f4", (count, width), struct.pack(f"<{count * width}f", *[((i * 53) % 31 - 15) / 9 for i in range(count * width)]))
    npy(bench.work / "index.npy", "<i8", (count,), struct.pack(f"<{count}q", *[i % 5 for i in range(count)]))
    form = narrow(bench)
    for name, passes in (("plain", ()), ("trained", training("epochs: 40, batch: 4, lr: 0.002, teacher: 1, validation: 0"))):
        steps = "".join(f"  - {step}\n" for step in (*BEFORE, *passes, *AFTER))
        (bench.work / f"{name}.yaml").write_text(f"""halftone: 1
model: parts.onnx
platform: narrow
calibration:
  inputs: {{x: {{path: x.npy}}, index: {{path: index.npy}}}}
evaluate:
  inputs: {{x: {{path: x.npy}}, index: {{path: index.npy}}}}
passes:
{steps}export:
  - path: {name}.q.onnx
""")
        bench.run("run", f"{name}.yaml", "-q", "--json", f"{name}.json", *form["extra"])
    plain, trained = noise(bench.json("plain.json")), noise(bench.json("trained.json"))
    require(trained < 0.7 * plain, f"noise/signal {trained}, {plain} without training")


TESTS = (less_noise, labels, methods, method_parameters, threads, spilled, taken_back, seeds, frozen, killed, checkpoint_of_others,
         as_exported, memory_budget, normalized, equalized, by_labels_at_four_bits, re_estimated, of_many_parts, fixed_batch,
         checkpoint_beside_others)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
