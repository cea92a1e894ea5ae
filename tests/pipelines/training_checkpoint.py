"""Trainings that are killed at a step of their checkpoint."""
import struct

from test_main import require

MAGIC = b"halftone training checkpoint 1\n"


def steps_done(file):
    """What the checkpoint says: behind its first line and three digests."""
    data = file.read_bytes() if file.exists() else b""
    return struct.unpack_from("<Q", data, len(MAGIC) + 24)[0] if len(data) > len(MAGIC) + 32 else 0


def outputs_of(bench, name):
    """What the pipeline NAME.yaml wrote."""
    return [path for path in (bench.work / f"{name}.{ending}" for ending in ("onnx", "configs")) if path.exists()]


def goes_on(state):
    """A function that gives the steps done, of which there must never be fewer than now."""
    done = steps_done(state)

    def steps():
        now = steps_done(state)
        require(now >= done, f"{now} steps, where {done} were done before: the run began anew")
        return now
    return steps


def killed_within(bench, name, state, least, most, extra=()):
    """Runs the pipeline NAME.yaml, which goes on from the checkpoint `state`, and kills it where that has `least` to `most` steps; gives how
    many it has then. A run that was not caught there ends, and another one starts from the same checkpoint."""
    before, steps = state.read_bytes() if state.exists() else None, goes_on(state)

    def anew():
        state.unlink()
        if before is not None:
            state.write_bytes(before)
        for path in outputs_of(bench, name):
            path.unlink()

    bench.killed(lambda: least <= steps() <= most, "run", f"{name}.yaml", "-q", *extra, anew=anew)
    require(not outputs_of(bench, name), "a killed run left a result")
    return steps_done(state)


def run_to_the_end(bench, name, state, extra=()):
    """The run that goes on from the checkpoint and nobody kills."""
    steps = goes_on(state)
    process = bench.stopped(lambda: steps() < 0, "run", f"{name}.yaml", "-q", *extra)
    require(process.returncode == 0, f"the run that goes on ended with {process.returncode}")
