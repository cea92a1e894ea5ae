"""What happens when a pass misbehaves while it runs, at each level of trust: the table of docs/plugin-safety.md, tried.

Whatever happens, the model's file and the outputs of earlier runs are as they were, and a run that fails writes none."""
import argparse
import json
import os
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "errors"))
import fixtures as files  # noqa: E402

PASSES = ["assign-configs", "parameter-quantize", "runtime-calibration"]

# What a run gives: FINE (the same file as without the pass), a text of the failure, or how the program dies.
FINE = "fine"
OTHER = "other"  # succeeds, with another file than without the pass


class Dies(str):
    """The name of the signal that ends the whole program."""


class Ends(int):
    """The exit code with which the pass ends the whole program."""


HANGS = "hangs"
WRONG_ARGUMENT = {"run-wrong-sizes"}  # what it says itself, as of a parameter that a user wrote
EVERYWHERE = {
    "run-throws": "component 'run-throws' let an exception cross the plug-in boundary: run went wrong",
    "run-stale-handle": "handle",
    "run-nan-scale": "finite",
    "run-without-capability": "ht.graph_edit/1 is not there",
    "run-wrong-thread": "component 'run-wrong-thread' called a service from a thread of its own that only the thread it "
                        "was called on may use; what it asked for there was not done",
    "run-wrong-sizes": "no byte behind the structs was written",
    "run-breaks-graph": "after pass 'run-breaks-graph', whose edits were dropped",
    "run-on-data": "saw 4 samples, words ",
    "run-leaks": FINE,
}
LEVELS = {
    "trusted": EVERYWHERE | {
        "run-crashes": Dies("SIGSEGV"), "run-aborts": Dies("SIGABRT"), "run-exits": Ends(0), "run-hangs": HANGS,
        "run-differs": OTHER},
    "checked": EVERYWHERE | {
        "run-crashes": Dies("SIGSEGV"), "run-aborts": Dies("SIGABRT"), "run-exits": Ends(0), "run-hangs": HANGS,
        "run-scribbles": "component 'run-scribbles' wrote into stored tensors that it was lent to read; the model's own "
                         "are whole",
        "run-differs": "pass 'run-differs' promises the same result every time, and two runs from one model differ in "
                       "node 'run_1' (Conv)",
        "run-rounding": "component 'run-rounding' changed the rounding mode of floating point",
        "run-denormals": "component 'run-denormals' changed the floating-point mode (denormals or traps) and left it so; "
                         "it was put back",
        "run-thread-rounding": "component 'run-thread-rounding' changed the rounding mode of floating point on a thread "
                               "that works for it, and left it so; it was put back",
        "run-folder": "component 'run-folder' changed the working directory and left it so; it was put back",
        "run-locale": "component 'run-locale' changed the locale, the signal mask, the umask and left it so; it was put "
                      "back"},
    "isolated": EVERYWHERE | {
        "run-crashes": "pass 'run-crashes' crashed (SIGSEGV) in its worker process",
        "run-aborts": "pass 'run-aborts' crashed (SIGABRT) in its worker process",
        "run-exits": "pass 'run-exits' ended the process with exit code 0 in its worker process",
        "run-hangs": "pass 'run-hangs' did nothing for 1 s in its worker process, which was ended; if it only needs "
                     "long, raise `plugin_timeout`",
        "run-garbles": "pass 'run-garbles' broke the connection of its worker process: what the other process sent is "
                       "no message",
        "run-scribbles": FINE, "run-differs": OTHER, "run-rounding": FINE, "run-thread-rounding": FINE, "run-denormals": FINE, "run-folder": FINE,
        "run-locale": FINE},
}


class Place:
    """A folder with a model, samples, and outputs of an earlier run."""

    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        files.small(self.folder, None, None)
        self.model = (self.folder / "small.onnx").read_bytes()
        self.baseline = None

    def pipeline(self, passes, extra=""):
        listed = "".join(f"  - {name}\n" for name in passes)
        (self.folder / "pipeline.yaml").write_text(
            "halftone: 1\nmodel: small.onnx\nplatform: onnxruntime-int8\ncalibration:\n  path: small.npy\n"
            f"passes:\n{listed}export:\n  - {{path: out.onnx}}\n{extra}")
        (self.folder / "out.onnx").write_bytes(b"of an earlier run")

    def run(self, arguments, fixture=None, limit=60):
        command = [self.options.halftone, *arguments]
        if fixture:
            command += ["--plugin-path", str(Path(self.options.fixtures) / f"{fixture.replace('-', '_')}.so")]
        return subprocess.run(command, cwd=self.folder, text=True, capture_output=True, timeout=limit)

    def without(self):
        """The bytes of the output without any hostile pass."""
        if self.baseline is None:
            self.pipeline(PASSES)
            done = self.run(["run", "pipeline.yaml", "-q"])
            assert done.returncode == 0, done.stderr
            self.baseline = (self.folder / "out.onnx").read_bytes()
        return self.baseline

    def with_pass(self, name, level, *more):
        """The pass behind the first one."""
        self.without()
        self.pipeline([PASSES[0], name, *PASSES[1:]])
        limit = 4 if LEVELS[level].get(name) == HANGS else 60
        return self.run(["run", "pipeline.yaml", "-q", "--trust", f"{name}={level}", "--plugin-timeout", "1", *more],
                        name, limit)

    def untouched(self):
        assert (self.folder / "small.onnx").read_bytes() == self.model, "the model was written to"
        assert (self.folder / "out.onnx").read_bytes() == b"of an earlier run", "an output was written"


def outcome(place, name, level, wanted):
    try:
        done = place.with_pass(name, level)
    except subprocess.TimeoutExpired:
        assert wanted == HANGS, f"{name} hangs"
        return place.untouched()
    said = f"{name} at {level}: exit code {done.returncode}\n{done.stderr}"
    if isinstance(wanted, Dies):
        sanitized = done.returncode > 0 and "Sanitizer" in done.stderr
        assert done.returncode == -getattr(signal, wanted) or sanitized, said
    elif isinstance(wanted, Ends):
        assert done.returncode == int(wanted), said
    elif wanted in (FINE, OTHER):
        assert done.returncode == 0, said
        assert (place.folder / "out.onnx").read_bytes() == place.without() or wanted == OTHER, said
        assert (place.folder / "small.onnx").read_bytes() == place.model, said
        return None
    else:
        assert done.returncode == (2 if name in WRONG_ARGUMENT else 1), said
        assert wanted in done.stderr, said
    return place.untouched()


def level_of(level):
    def test(options, folder):
        place = Place(options, folder)
        for name, wanted in LEVELS[level].items():
            outcome(place, name, level, wanted)
        print(f"{len(LEVELS[level])} plug-ins at level {level}")
    return test


def skipped(options, folder):
    """The run goes on without the pass, and gives what it would have given without it."""
    place = Place(options, folder)
    tried = 0
    for level in ("checked", "isolated"):
        for name, wanted in LEVELS[level].items():
            if isinstance(wanted, (Dies, Ends)) or wanted in (FINE, OTHER, HANGS):
                continue
            done = place.with_pass(name, level, "--on-plugin-failure", "skip", "--json", "figures.json")
            said = f"{name} at {level}: exit code {done.returncode}\n{done.stderr}"
            assert done.returncode == 0, said
            assert f"pass '{name}' failed and was left out, and the model is as it was before it" in done.stderr, said
            assert (place.folder / "out.onnx").read_bytes() == place.without(), said
            steps = json.loads((place.folder / "figures.json").read_text())["steps"]
            assert wanted in next(step["left_out"] for step in steps if step["pass"] == name), steps
            tried += 1
    print(f"{tried} failures skipped")


def needed_later(options, folder):
    """What a pass would have made is missed by name."""
    place = Place(options, folder)
    place.pipeline(PASSES)
    text = (place.folder / "pipeline.yaml").read_text()
    (place.folder / "pipeline.yaml").write_text(text + "on_plugin_failure: skip\n")
    (place.folder / "small.npy").write_bytes((place.folder / "small.npy").read_bytes()[:-8] + struct.pack("<2f", *[float("nan")] * 2))
    text = (place.folder / "pipeline.yaml").read_text().replace("  - runtime-calibration\n",
                                                                "  - runtime-calibration\n  - quant-alignment\n")
    (place.folder / "pipeline.yaml").write_text(text)
    done = place.run(["run", "pipeline.yaml", "-q"])
    assert done.returncode == 1, done.stderr
    assert "pass 'quant-alignment' needs 'activations-calibrated', which pass 'runtime-calibration' would have made; it " \
           "failed and was left out, so that the run cannot go on" in done.stderr, done.stderr
    place.untouched()


def first_line(text):
    return next(line for line in text.splitlines() if line.startswith("halftone: ") and "warning" not in line)


def reproduced(options, folder):
    """The folder that a failure leaves shows the failure again, by the command that it names, wherever it is run."""
    place = Place(options, folder)
    tried = 0
    for level, names in {"trusted": ["run-on-data", "run-throws", "run-breaks-graph"],
                         "checked": ["run-on-data", "run-differs", "run-nan-scale", "run-rounding", "run-scribbles"],
                         "isolated": ["run-on-data", "run-crashes", "run-exits", "run-hangs"]}.items():
        for name in names:
            done = place.with_pass(name, level)
            left = place.folder / "out.onnx.reproducer"
            about = json.loads((left / "reproducer.json").read_text())
            assert sorted(path.name for path in left.iterdir()) == ["before.state", "pipeline.yaml", "reproducer.json"]
            assert about["pass"] == name and about["trust"] == level, about
            assert f"to see it again: {about['command']}" in done.stderr, done.stderr
            assert any(len(plugin["xxh3_128"]) == 32 for plugin in about["plugins"]), about
            command = shlex.split(about["command"])
            assert command[0] == "halftone"
            with tempfile.TemporaryDirectory() as elsewhere:
                again = subprocess.run([options.halftone, *command[1:]], cwd=elsewhere, text=True, capture_output=True,
                                       timeout=60)
                assert not list(Path(elsewhere).iterdir())
            assert again.returncode == done.returncode, again.stderr
            assert first_line(again.stderr) == first_line(done.stderr), f"{again.stderr}\n{done.stderr}"
            tried += 1
    print(f"{tried} failures seen again")


def replaced_not_others(options, folder):
    """An older reproducer is replaced; a folder of the user's is not; a mistake of the user leaves none."""
    place = Place(options, folder)
    own = place.folder / "own"
    own.mkdir()
    (own / "notes.txt").write_text("mine")
    done = place.with_pass("run-throws", "trusted", "--reproducer", "own")
    assert "no reproducer was written: " in done.stderr and "exists and is no reproducer" in done.stderr, done.stderr
    assert [path.name for path in own.iterdir()] == ["notes.txt"]
    for name in ("run-throws", "run-stale-handle"):
        done = place.with_pass(name, "trusted", "--reproducer", "kept")
        assert json.loads((place.folder / "kept" / "reproducer.json").read_text())["pass"] == name
    left = {path.name for path in place.folder.iterdir()}
    assert left == {"own", "kept", "small.onnx", "small.npy", "pipeline.yaml", "out.onnx"}, left
    place.with_pass("run-wrong-sizes", "trusted")  # says that an argument is wrong
    assert {path.name for path in place.folder.iterdir()} == left


def other_roles(options, folder):
    """An exporter or a reader that dies takes the program with it, unless it is isolated."""
    place = Place(options, folder)
    for kind, name in (("exporter", "export-crashes"), ("reader", "read-crashes")):
        place.pipeline(PASSES)
        text = (place.folder / "pipeline.yaml").read_text()
        text = (text.replace("{path: out.onnx}", "{format: export-crashes, path: out.onnx}") if kind == "exporter" else
                text.replace("  path: small.npy", "  path: small.npy\n  reader: read-crashes"))
        (place.folder / "pipeline.yaml").write_text(text)
        before = sorted(place.folder.iterdir())
        for level in ("trusted", "isolated"):
            done = place.run(["run", "pipeline.yaml", "-q", "--trust", f"{name}={level}"], name)
            said = f"{name} at {level}: exit code {done.returncode}\n{done.stderr}"
            if level == "isolated":
                assert done.returncode == 1, said
                assert f"halftone: {kind} '{name}' crashed (SIGSEGV) in its worker process" in done.stderr, said
            else:
                assert done.returncode == -signal.SIGSEGV or "Sanitizer" in done.stderr, said
                for path in set(place.folder.iterdir()) - set(before):  # what a program that dies could not remove
                    assert path.name.startswith("."), path
                    shutil.rmtree(path)
            place.untouched()
            left = [path for path in place.folder.iterdir() if path not in before]
            assert [path.name for path in left] == ["out.onnx.reproducer"] * (kind == "reader" and level == "isolated")
    # The pass that reads the samples has failed, with a reader that is isolated when it is seen again, too.
    about = json.loads((place.folder / "out.onnx.reproducer" / "reproducer.json").read_text())
    again = place.run(shlex.split(about["command"])[1:])
    assert again.returncode == 1 and first_line(again.stderr) == first_line(done.stderr), again.stderr


def other_commands(options, folder):
    """`calibrate` and `analyze` run passes and readers, too, and trust them as far as they are told."""
    place = Place(options, folder)
    calibrate, analyze = ["calibrate", "pipeline.yaml", "-o", "out.htstats", "-q"], ["analyze", "pipeline.yaml", "-q"]
    place.pipeline([PASSES[0], "run-crashes", *PASSES[1:]])
    for command in (calibrate, analyze):
        done = place.run([*command, "--trust", "run-crashes=isolated"], "run-crashes")
        assert done.returncode == 1, done.stderr
        assert "pass 'run-crashes' crashed (SIGSEGV) in its worker process" in done.stderr, done.stderr
    done = place.run([*analyze, "--trust", "isolated", "--on-plugin-failure", "skip"], "run-crashes")
    assert done.returncode == 0, done.stderr
    assert "pass 'run-crashes' failed and was left out" in done.stderr, done.stderr
    place.pipeline(PASSES)
    done = place.run([*analyze, "--data", "small.npy", "--reader", "read-crashes", "--trust", "read-crashes=isolated"],
                     "read-crashes")
    assert done.returncode == 1, done.stderr
    assert "reader 'read-crashes' crashed (SIGSEGV) in its worker process" in done.stderr, done.stderr
    text = (place.folder / "pipeline.yaml").read_text()
    text = text.replace("  path: small.npy", "  path: small.npy\n  reader: read-crashes")
    for trust in ([], ["--trust", "read-crashes=isolated"]):  # by the file, by the command line
        (place.folder / "pipeline.yaml").write_text(text + ("" if trust else "trust: {read-crashes: isolated}\n"))
        done = place.run([*calibrate, *trust], "read-crashes")
        assert done.returncode == 1, done.stderr
        assert "reader 'read-crashes' crashed (SIGSEGV) in its worker process" in done.stderr, done.stderr
    assert not (place.folder / "out.htstats").exists()
    place.untouched()


def interrupted(options, folder):
    """Ctrl-C ends a run whose isolated pass hangs, without waiting for its time limit, and leaves no process behind."""
    place = Place(options, folder)
    place.pipeline([PASSES[0], "run-hangs", *PASSES[1:]])
    process = subprocess.Popen(
        [options.halftone, "run", "pipeline.yaml", "-q", "--trust", "run-hangs=isolated", "--plugin-path",
         str(Path(options.fixtures) / "run_hangs.so")], cwd=place.folder, text=True, stderr=subprocess.PIPE)
    workers = []
    for _ in range(200):
        time.sleep(0.1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [pid for pid in children if "halftone-worker" in Path(f"/proc/{pid}/cmdline").read_text()]
        if workers and "run_hangs.so" in Path(f"/proc/{workers[0]}/maps").read_text():
            break  # it may not have come to its loop yet
    assert workers, "no worker was started"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, f"{process.returncode}\n{said}"
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers), "a worker lives on"
    assert not list(place.folder.glob("*.reproducer"))
    place.untouched()


# The platform's own pipeline, and where a pass goes that is tried in it: before, within or after.
STEPS = ["fold-batch-norm", "assign-configs", "quantize-fusion", "parameter-quantize", "runtime-calibration",
         "quant-alignment", "passive-parameter-quantize", "parameter-baking"]
# What passes want that do nothing without it; few steps of those that train, which a sanitizer makes slow.
SETTINGS = {"horizontal-layer-split": "{layers: ['*'], value_threshold: 0.1}", "matrix-factorization": "{grow: true}",
            "mixed-precision": "{size_share: 0.6}", "tune-to-accuracy": "{target: 0.01, steps: 2}",
            "adaround": "{steps: 4}", "blockwise-reconstruction": "{steps: 4}", "learned-step-size": "{steps: 4}",
            "qdrop": "{steps: 4}", "second-order-sensitivity": "{samples: 4}", "quantization-aware-training": "{epochs: 1}"}
# They call a trainer's functions, which are the host's.
TRAINS = {"adaround", "blockwise-reconstruction", "bn-re-estimation", "learned-step-size", "qdrop",
          "quantization-aware-training", "second-order-sensitivity"}
# What stands directly before a pass that does nothing without it.
BEFORE = {"mixed-precision": "measured-sensitivity: {candidates: ['3', '8'], samples: 4}"}


def glyphs_pipeline(options, target, passes, level, limit=8, source=None):
    glyphs = source or Path(options.glyphs)
    listed = "".join(f"  - {name}\n" for name in passes)
    target.mkdir(exist_ok=True)
    (target / "pipeline.yaml").write_text(
        f"halftone: 1\nmodel: {glyphs}/model.onnx\nplatform: onnxruntime-int8\ncalibration:\n"
        f"  path: {glyphs}/calib/x.npy\n  preprocess: {glyphs}/meta.json\n  limit: {limit}\n  threads: 2\n"
        f"trust: {level}\npasses:\n{listed}export:\n  - {{path: out.onnx}}\nconfigs_out: configs.json\n")
    done = subprocess.run([options.halftone, "run", "pipeline.yaml", "-q"], cwd=target, text=True, capture_output=True,
                          timeout=500)
    if done.returncode != 0:
        return done.stderr
    return {path.name: path.read_bytes() for path in target.iterdir() if path.name != "pipeline.yaml"}


def first_party(options, folder):
    """Each pass of our own, with the exporter and the reader, gives the same bytes whatever the level."""
    listed = subprocess.run([options.halftone, "passes"], text=True, capture_output=True, check=True).stdout
    names = [line.split()[0] for line in listed.splitlines()[1:]]
    assert len(names) >= 40, listed
    plain = glyphs_pipeline(options, Path(folder) / "plain", STEPS, "trusted")
    assert isinstance(plain, dict), plain
    for level in ("checked", "isolated"):
        assert glyphs_pipeline(options, Path(folder) / level, STEPS, level) == plain, f"the plain run at level {level}"
    same, left = 0, []
    for name in sorted(set(names) - set(STEPS)):
        for place in (1, 0, 2, 5, 7, 8):
            step = f"{name}: {SETTINGS[name]}" if name in SETTINGS else name
            passes = STEPS[:place] + ([BEFORE[name]] if name in BEFORE else []) + [step] + STEPS[place:]
            trusted = glyphs_pipeline(options, Path(folder) / "trusted", passes, "trusted")
            if isinstance(trusted, dict):
                isolated = glyphs_pipeline(options, Path(folder) / "isolated", passes, "isolated")
                if name in TRAINS:
                    assert "ht.training/1" in isolated and "the host's own process" in isolated, isolated
                    break
                assert isolated == trusted, f"{name} differs in a worker: {isolated if isinstance(isolated, str) else ''}"
                same += 1
                break
        else:
            left.append(name)
    print(f"{same + len(STEPS)} passes give the same bytes in a worker; not tried: {left}")
    assert not left


def real_model(options, folder):
    """A real model, whose weights and activations are large enough to be shared: the same bytes in workers."""
    shared = os.environ.get("HALFTONE_SHARED")
    model = Path(shared or "/nowhere") / "models" / "lprnet"
    if not (model / "model.onnx").exists():
        print("HALFTONE_SHARED names no folder with models/lprnet")
        sys.exit(77)
    passes = ["fold-batch-norm", "cross-layer-equalization", *STEPS[1:6], "bias-correction", "round-tuning: {samples: 8}",
              *STEPS[6:]]
    written = []
    for level in ("trusted", "isolated"):
        found = glyphs_pipeline(options, Path(folder) / level, passes, level, source=model)
        assert isinstance(found, dict), found
        written.append(found)
    assert written[0] == written[1], "the results differ"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--halftone", required=True)
    parser.add_argument("--fixtures", required=True)
    parser.add_argument("--glyphs", required=True)
    parser.add_argument("test")
    options = parser.parse_args()
    tests = {name: level_of(name) for name in LEVELS} | {
        test.__name__: test for test in (skipped, needed_later, reproduced, replaced_not_others, other_roles, other_commands, interrupted, first_party,
                                            real_model)}
    with tempfile.TemporaryDirectory() as folder:
        tests[options.test](options, folder)


if __name__ == "__main__":
    main()
