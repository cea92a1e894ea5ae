"""Statistics that are kept: a run from a statistics file must give, byte for byte, what a run from the data gives; shards joined
and interrupted calibrations resumed must give the file of one pass. Each function is one test; the first argument names it."""
import fcntl
import pathlib
import re
import signal
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import fixtures  # noqa: E402
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

PLATFORMS = ("onnxruntime-int8", "tensorrt-int8", "openvino-int8", "ppq-trt-int8")


def data(bench):
    return ("--calibration", bench.glyphs / "calib", "--preprocess", bench.glyphs / "meta.json")


def calibrate(bench, name, *args):
    bench.run("calibrate", bench.glyphs / "model.onnx", *data(bench), "-o", name, "-q", *args)
    return bench.bytes(name)


def samples_kept(bench):
    """How many samples the checkpoint of out.htstats has."""
    if not (bench.work / "out.htstats.partial").exists():
        return 0
    return int(re.search(r"^samples +(\d+)$", bench.run("inspect", "out.htstats.partial"), re.MULTILINE)[1])


def quantize(bench, source, *args):
    bench.run("quantize", bench.glyphs / "model.onnx", *source, "-o", "out.onnx", "--configs-out", "out.json", "-q", *args)
    return bench.bytes("out.onnx"), bench.bytes("out.json")


def every_platform(bench):
    """One file serves every platform and observer."""
    calibrate(bench, "all.htstats")
    for platform in PLATFORMS:
        for observer in ("minmax", "percentile", "kl", "mse"):
            args = ("-p", platform, "--observer", observer)
            require(quantize(bench, ("--stats-in", "all.htstats"), *args) == quantize(bench, data(bench), *args),
                    f"{platform} with {observer} from the file differs from the run on the data")


def any_transport(bench):
    """Threads and batches change nothing."""
    expected = calibrate(bench, "one.htstats", "--threads", 1)
    for args in (("--threads", 2), ("--threads", 5, "--batch", 8), ("--threads", 2, "--batch", 32, "--checkpoint-every", 7)):
        require(calibrate(bench, "other.htstats", *args) == expected, f"{args} gives another file")


def shards(bench):
    """Parts joined in one step or two are the whole."""
    expected = calibrate(bench, "whole.htstats")
    parts = [f"{i}.htstats" for i in (1, 2, 3)]
    for i, part in enumerate(parts, 1):
        calibrate(bench, part, "--shard", f"{i}/3")
    bench.run("merge", *parts, "-o", "joined.htstats")
    require(bench.bytes("joined.htstats") == expected, "three shards joined are not the file of one pass")
    bench.run("merge", parts[1], parts[0], "-o", "two.htstats")
    bench.run("merge", parts[2], "two.htstats", "-o", "joined.htstats")
    require(bench.bytes("joined.htstats") == expected, "the order of joining changes the file")


def groups(bench):
    """Observers that average over groups of samples: shards begin at whole groups."""
    (bench.work / "p.yaml").write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: ppq-trt-int8
observer: percentile
calibration: {{path: {bench.glyphs}/calib, preprocess: {bench.glyphs}/meta.json, limit: 90}}
passes:
  - assign-configs
  - parameter-quantize
  - runtime-calibration: {{group: 8}}
export:
  - {{path: out.onnx}}
configs_out: out.json
""")
    for i in (1, 2):
        bench.run("calibrate", "p.yaml", "-o", f"{i}.htstats", "--shard", f"{i}/2", "-q")
    bench.run("merge", "1.htstats", "2.htstats", "-o", "joined.htstats")
    bench.run("calibrate", "p.yaml", "-o", "whole.htstats", "-q")
    require(bench.bytes("joined.htstats") == bench.bytes("whole.htstats"), "shards of groups are not the whole")
    bench.run("run", "p.yaml", "-q")
    expected = bench.bytes("out.onnx"), bench.bytes("out.json")
    bench.run("run", "p.yaml", "--stats-in", "joined.htstats", "-q")
    require((bench.bytes("out.onnx"), bench.bytes("out.json")) == expected, "groups of the file give other scales")


def quantized_weights(bench):
    """A preset that calibrates on quantized weights has statistics of its own, which a run of another kind does not take."""
    calibrate(bench, "ppq.htstats", "--preset", "ppq-compat")
    args = ("--preset", "ppq-compat")
    require(quantize(bench, ("--stats-in", "ppq.htstats"), *args) == quantize(bench, data(bench), *args),
            "ppq-compat from the file differs from the run on the data")
    done = bench.fails("quantize", bench.glyphs / "model.onnx", "-p", "tensorrt-int8", "--stats-in", "ppq.htstats", "-o", "no.onnx")
    require("has no statistics of the model as the passes" in done, f"the refusal says: {done}")


def killed(bench):
    """Killed between two checkpoints, and resumed: the same bytes, and the samples of the checkpoint are not run again."""
    expected = calibrate(bench, "whole.htstats")
    command = ("calibrate", bench.glyphs / "model.onnx", *data(bench), "-o", "out.htstats", "-q", "--resume")
    checkpoint, done = bench.work / "out.htstats.partial", 0
    for most in (40, 80, 120):
        before = checkpoint.read_bytes() if checkpoint.exists() else None

        def anew():
            bench.remove("out.htstats")
            if before is not None:
                checkpoint.write_bytes(before)

        bench.killed(lambda: done < samples_kept(bench) <= most, *command, "--checkpoint-every", 8, "--threads", 1, anew=anew)
        require(not (bench.work / "out.htstats").exists(), "a killed run left a result")
        done = samples_kept(bench)
    bench.run(*command, "--json", "figures.json")
    require(bench.bytes("out.htstats") == expected, "the resumed run gives another file")
    require(bench.json("figures.json")["resumed_at"] == done, "not all of the checkpoint was taken")
    require(not checkpoint.exists(), "the checkpoint is still there")


def checkpoint_of_others(bench):
    """A checkpoint is not mixed with other data, samples or platforms of the same graph, and not overwritten unasked."""
    checkpoint = bench.work / "out.htstats.partial"
    model, args = bench.glyphs / "model.onnx", ("-o", "out.htstats", "-q", "--observe-for", "onnxruntime-int8", "--limit", 100)
    bench.killed(checkpoint.exists, "calibrate", model, *data(bench), *args, "--checkpoint-every", 4, "--threads", 1,
                 anew=lambda: bench.remove("out.htstats"))
    kept = checkpoint.read_bytes()
    for wanted, *more in (("go on from it with --resume", *args), ("other platforms", *args, "--observe-for", "naive-int8", "--resume"),
                          ("other samples", *args, "--resume", "--shard", "1/2"), ("by reference", *args, "--resume", "--executor", "reference")):
        text = bench.fails("calibrate", model, *data(bench), *more)
        require(wanted in text, f"expected '{wanted}', got: {text}")
        require(checkpoint.read_bytes() == kept, f"the checkpoint changed where '{wanted}' was refused")
    (bench.work / "other.yaml").write_text("{scale: 0.5, from: nhwc, to: nchw}")
    for why, path, preprocess in (("there are 500", "test", bench.glyphs / "meta.json"), ("x.npy[0] has other", "calib", "other.yaml")):
        text = bench.fails("calibrate", model, "--calibration", bench.glyphs / path, "--preprocess", preprocess, *args, "--resume")
        require("not those of the checkpoint" in text and why in text, f"expected '{why}', got: {text}")


def two_graphs(bench):
    """Platforms whose passes make two graphs of a model: a checkpoint in the second one is whole, and is not lost by a refusal."""
    side, count = 96, 24
    (bench.work / "add.onnx").write_bytes(onnx.model(
        [onnx.conv(), onnx.node("Add", ["c", "b"], ["d"]), onnx.node("Relu", ["d"], ["y"])],
        [onnx.value_info("x", ["N", 3, side, side])], [onnx.value_info("y", ["N", 4, side, side])],
        initializers=[onnx.tensor("w", onnx.WEIGHT_SHAPE, onnx.WEIGHTS), onnx.tensor("b", (1, 4, 1, 1), [1.0, 2.0, 3.0, 4.0])]))
    for name, step in (("x", 7), ("other", 5)):
        values = [(i * step) % 251 / 251 for i in range(count * 3 * side * side)]
        (bench.work / f"{name}.npy").write_bytes(
            fixtures.npy_bytes("<f4", (count, 3, side, side), struct.pack(f"<{len(values)}f", *values)))
    bench.run("calibrate", "add.onnx", "-c", "x.npy", "-o", "whole.htstats", "-q")
    require(bench.run("inspect", "whole.htstats").count("\ngraph ") == 2, "the model does not have two graphs any more")
    run = ("calibrate", "add.onnx", "-o", "out.htstats", "-q", "--checkpoint-every", 1, "--threads", 1, "-c")
    checkpoint = bench.work / "out.htstats.partial"

    def both_graphs():
        return checkpoint.exists() and bench.run("inspect", "out.htstats.partial").count("\ngraph ") == 2

    bench.killed(both_graphs, *run, "x.npy", anew=lambda: bench.remove("out.htstats"))
    kept = checkpoint.read_bytes()
    for _ in range(2):
        text = bench.fails(*run, "other.npy", "--resume")
        require("not those of the checkpoint" in text, f"other data: {text}")
        require(checkpoint.read_bytes() == kept, "a refused run changed the checkpoint")
    bench.run(*run, "x.npy", "--resume")
    require(bench.bytes("out.htstats") == bench.bytes("whole.htstats"), "the resumed run gives another file")


def grouped_pipeline(bench, name, observer, overrides=""):
    (bench.work / name).write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: ppq-trt-int8
observer: {observer}
calibration: {{path: {bench.glyphs}/calib, preprocess: {bench.glyphs}/meta.json, threads: 1}}
passes: [assign-configs, parameter-quantize, runtime-calibration: {{group: 8}}]
{overrides}
export: [{{path: out.onnx}}]
""")


def groups_asked_for(bench):
    """Which values want groups belongs to a request: a checkpoint or file without them does not stand for one with them."""
    grouped_pipeline(bench, "minmax.yaml", "minmax")
    grouped_pipeline(bench, "percentile.yaml", "percentile")
    grouped_pipeline(bench, "mixed.yaml", "minmax",
                     "overrides: [{match: {op: Gemm}, set: {outputs: {observer: percentile}}}]")
    bench.killed((bench.work / "out.htstats.partial").exists, "calibrate", "minmax.yaml", "-o", "out.htstats", "--checkpoint-every", 3, "-q",
                 anew=lambda: bench.remove("out.htstats"))
    text = bench.fails("calibrate", "percentile.yaml", "-o", "out.htstats", "--resume", "-q")
    require("other platforms or observers" in text, f"a checkpoint without groups: {text}")
    bench.run("calibrate", "mixed.yaml", "-o", "mixed.htstats", "-q")
    text = bench.fails("run", "percentile.yaml", "--stats-in", "mixed.htstats", "-q")
    require("lacks statistics of value" in text and "in groups of 8" in text, f"a file with groups of one value: {text}")


def skipped_samples(bench):
    """Samples that could not be used are counted, in shards as in the whole."""
    (bench.work / "small.onnx").write_bytes(onnx.small_net())
    (bench.work / "x").mkdir()
    for i in range(9):
        values = [(i * 7 + j) % 23 / 23 for j in range(3 * 8 * 8)]
        content = fixtures.npy_bytes("<f4", (3, 8, 8), struct.pack(f"<{len(values)}f", *values))
        (bench.work / "x" / f"{i}.npy").write_bytes(content[:40] if i % 4 == 1 else content)
    common = ("small.onnx", "--calibration", "x", "--on-bad-sample", "skip", "--observe-for", "tensorrt-int8", "-q")
    bench.run("calibrate", *common, "-o", "whole.htstats")
    for i in (1, 2):
        bench.run("calibrate", *common, "-o", f"{i}.htstats", "--shard", f"{i}/2")
    bench.run("merge", "1.htstats", "2.htstats", "-o", "joined.htstats")
    require(bench.bytes("joined.htstats") == bench.bytes("whole.htstats"), "with bad samples shards are not the whole")
    text = bench.run("inspect", "whole.htstats")
    require("skipped    2" in text, f"inspect does not count the skipped samples: {text}")


def never_served(bench):
    """Pipelines that no file can serve are refused before the data are gone through, for the true reason; others are not, nor are
    platforms beside them."""
    head = ("constant-folding", "remove-identity", "fold-batch-norm", "fuse-bias-add", "remove-dead-code")
    begin, end = ("assign-configs", "quantize-simplify", "parameter-quantize"), ("passive-parameter-quantize", "parameter-baking")
    def pipeline(name, passes):
        steps = "".join(f"  - {step}\n" for step in passes)
        (bench.work / name).write_text(f"""halftone: 1
model: {bench.glyphs}/model.onnx
platform: tensorrt-int8
calibration: {{path: {bench.glyphs}/calib, preprocess: {bench.glyphs}/meta.json}}
passes:
{steps}export:
  - {{path: out.onnx}}
configs_out: out.json
""")
    for obstacle, passes in (
            ("pass 'seq-mse' runs the model on samples", (*head, *begin, "runtime-calibration", "seq-mse", *end)),
            ("pass 'ssd-equalization' runs the model on samples", (*head, "ssd-equalization", *begin, "runtime-calibration", *end)),
            ("pass 'runtime-calibration' asks for statistics of a model that depends on those that pass 'activation-equalization' "
             "asked for", (*head, "activation-equalization", *begin, "runtime-calibration", *end))):
        pipeline("p.yaml", passes)
        told = bench.fails("calibrate", "p.yaml", "-o", "p.htstats", "-q")
        require(f"no statistics file can serve 'tensorrt-int8': {obstacle}; give the calibration data to the run itself" in told, told)
        require(bench.files() == ["p.yaml"], f"left behind: {bench.files()}")
    told = bench.fails("calibrate", bench.glyphs / "model.onnx", *data(bench), "-o", "p.htstats", "-q", "--preset", "accurate")
    require("pass 'activation-equalization' runs the model on samples" in told, told)
    # A correction from the weights alone runs nothing on samples: its pipeline is served.
    pipeline("p.yaml", (*head, *begin, "runtime-calibration", "bias-correction: {mode: batch-norm}", *end))
    bench.run("calibrate", "p.yaml", "-o", "p.htstats", "-q")
    results = []
    for args in ((), ("--stats-in", "p.htstats")):
        bench.run("run", "p.yaml", "-q", *args)
        results.append((bench.bytes("out.onnx"), bench.bytes("out.json")))
    require(results[0] == results[1], "the file gives another result than the data")
    # A run that is given a file all the same.
    for wanted, passes in (("no statistics file can be of that; give the calibration data instead of --stats-in",
                            (*head, *begin, "runtime-calibration", "bias-correction: {mode: batch-norm}", "re-calibration", *end)),
                           ("pass 'seq-mse' of this pipeline may run the model on samples, which no file holds",
                            (*begin, "runtime-calibration", "seq-mse", *end))):
        pipeline("p.yaml", passes)
        told = bench.fails("run", "p.yaml", "-q", "--stats-in", "p.htstats")
        require(wanted in told, f"expected '{wanted}', got: {told}")
    # A second calibration on quantized weights depends on nothing that the first one found: a file can be of both.
    first = (*head, *begin, "runtime-calibration: {observer: minmax}")
    second = "runtime-calibration: {override: true, calibrate_on: quantized_weights}"
    pipeline("one.yaml", (*first, *end))
    bench.run("calibrate", "one.yaml", "-o", "one.htstats", "-q")
    pipeline("p.yaml", (*first, second, *end))
    told = bench.fails("run", "p.yaml", "-q", "--stats-in", "one.htstats")
    require("'one.htstats' has no statistics of the model as the passes before this one leave it, with quantized weights; calibrate "
            "for this platform or pipeline (--observe-for)" in told, told)
    bench.run("calibrate", "p.yaml", "-o", "p.htstats", "-q")
    bench.run("run", "p.yaml", "-q", "--stats-in", "p.htstats")


def is_locked(path):
    """Whether another process holds the lock: the file is there a moment before."""
    try:
        with open(path, encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def two_writers(bench):
    """A second calibration with the same output is told of the first, which ends as if alone; what a killed one leaves hinders
    nobody, and nothing is left in the end."""
    expected = calibrate(bench, "out.htstats")
    bench.remove("out.htstats")
    args = ("calibrate", bench.glyphs / "model.onnx", *data(bench), "-o", "out.htstats", "-q")

    def under_way():
        return is_locked(bench.work / "out.htstats.lock") and not (bench.work / "out.htstats").exists()

    for end in (None, signal.SIGKILL):
        with bench.caught(under_way, *args, "--threads", 1, "--executor", "reference", "--resume",
                          anew=lambda: bench.remove("out.htstats")) as first:
            told = bench.fails(*args)
            require("another process is writing 'out.htstats' (it holds 'out.htstats.lock'); wait for it, or name another output" in told, told)
            require(not (bench.work / "out.htstats").exists(), "the second calibration wrote its result")
            calibrate(bench, "other.htstats")
            bench.remove("other.htstats")
            first.send_signal(signal.SIGCONT)
            if end:
                first.send_signal(end)
            first.wait()
        if end is None:
            require(first.returncode == 0, f"the first calibration ended with {first.returncode}")
            require(bench.files() == ["out.htstats"], f"left behind: {bench.files()}")
            bench.remove("out.htstats")
    require(calibrate(bench, "out.htstats", "--resume") == expected, "the result is another")
    require(bench.files() == ["out.htstats"], f"left behind: {bench.files()}")


def merge_waits_for_nobody(bench):
    """A merge into a file that is being written, under this name or that of a link, is refused and leaves all as it was."""
    for i in (1, 2):
        calibrate(bench, f"{i}.htstats", "--shard", f"{i}/2")
    (bench.work / "out.htstats").write_bytes(b"as it was")
    (bench.work / "link.htstats").symlink_to("out.htstats")
    files = bench.files()
    with open(bench.work / "out.htstats.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in ("out.htstats", "link.htstats"):
            told = bench.fails("merge", "1.htstats", "2.htstats", "-o", name)
            require(f"another process is writing '{name}' (it holds '" in told and "out.htstats.lock'); wait for it" in told, told)
        require(bench.bytes("out.htstats") == b"as it was", "the refused merge wrote its result")
    bench.run("merge", "1.htstats", "2.htstats", "-o", "link.htstats")
    require(bench.bytes("out.htstats") == calibrate(bench, "whole.htstats"), "the merged file is another")
    bench.remove("whole.htstats")
    require(bench.files() == files, f"left behind: {bench.files()}")


TESTS = (every_platform, any_transport, shards, groups, quantized_weights, killed, checkpoint_of_others, two_graphs, groups_asked_for, skipped_samples, never_served, two_writers,
         merge_waits_for_nobody)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
