"""Trainings that are killed at a step of their checkpoint."""
import struct

from test_main import require

MAGIC = b"halftone training checkpoint 1\n"


def steps_done(file):
    """What the checkpoint says: behind its first line and three digests."""
    data = file.read_bytes() if file.exists() else b""
    return struct.unpack_from("<Q", data, len(MAGIC) + 24)[0] if len(data) > len(MAGIC) + 32 else 0


def killed_within(bench, name, state, least, most, extra=()):
    """Runs the pipeline NAME.yaml, which goes on from the checkpoint `state`, and kills it where that has `least` to `most` steps; gives how
    many it has then. A run that was not caught there ends, and another one starts from the same checkpoint."""
    before, done = state.read_bytes() if state.exists() else None, steps_done(state)

    def there():
        steps = steps_done(state)
        require(steps >= done, f"{steps} steps, where {done} were done before: the run began anew")
        return least <= steps <= most

    def anew():
        state.unlink()
        if before is not None:
            state.write_bytes(before)
        without_outputs(bench, name)

    process = bench.caught(there, "run", f"{name}.yaml", "-q", *extra, anew=anew)
    process.kill()
    process.wait()
    return steps_done(state)


def without_outputs(bench, name):
    """Removes what the pipeline wrote."""
    for ending in ("onnx", "configs"):
        (bench.work / f"{name}.{ending}").unlink(missing_ok=True)
