"""Files that NumPy writes and reads. Archives as calibration data must give what the same arrays give as .npy files. Needs
NumPy. Each function is one test; the first argument names it."""
import io
import pathlib
import sys
import zipfile

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "errors"))
import make_onnx as onnx  # noqa: E402
from glyphs import FOLDERS, Bench  # noqa: E402
from test_main import require, run_tests  # noqa: E402

COUNT = 40


def samples(bench):
    return numpy.load(bench.glyphs / "calib" / "x.npy")[:COUNT]


def quantize(bench, name, data, *args):
    bench.run("quantize", bench.glyphs / "model.onnx", "--platform", "onnxruntime-int8", "--calibration", data, "--preprocess",
              bench.glyphs / "meta.json", "--output", f"{name}.onnx", "--configs-out", f"{name}.json", "--quiet", *args)
    return bench.bytes(f"{name}.onnx"), bench.bytes(f"{name}.json")


def reference(bench):
    numpy.save(bench.work / "x.npy", samples(bench))
    return quantize(bench, "npy", "x.npy")


def same_as_npy(bench):
    """Stored and compressed, one array and several, on one thread and on four."""
    expected, x = reference(bench), samples(bench)
    labels = numpy.arange(COUNT)
    numpy.savez(bench.work / "stored.npz", x)
    numpy.savez_compressed(bench.work / "packed.npz", x)
    numpy.savez_compressed(bench.work / "several.npz", labels=labels, input=x)
    numpy.savez(bench.work / "other.npz", labels=labels, images=x)
    for name, *args in (("stored",), ("packed",), ("several",), ("other", "--reader-setting", "array=images")):
        for threads in (1, 4):
            found = quantize(bench, name, f"{name}.npz", "--threads", threads, *args)
            require(found == expected, f"{name}.npz on {threads} threads gives another result than x.npy")


def folders(bench):
    """One sample an archive, and one batch an archive."""
    expected, x = reference(bench), samples(bench)
    for folder in ("single", "batch"):
        (bench.work / folder).mkdir()
    for i in range(COUNT):
        numpy.savez_compressed(bench.work / "single" / f"{i:03}.npz", x[i])
    for i in range(0, COUNT, 15):
        numpy.savez_compressed(bench.work / "batch" / f"{i:03}.npz", input=x[i:i + 15])
    require(quantize(bench, "single", "single") == expected, "one sample an archive gives another result")
    require(quantize(bench, "batch", "batch", "--reader-setting", "batches=true", "--threads", 4) == expected,
            "one batch an archive gives another result")


def zip_forms(bench):
    """Zip64 entries, sizes that follow the data (an archive written to a pipe), versions 2 and 3 of the header."""
    expected, x = reference(bench), samples(bench)

    class Pipe(io.RawIOBase):
        def __init__(self, file):
            self.file = file

        def writable(self):
            return True

        def write(self, data):
            return self.file.write(data)

    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with open(bench.work / "piped.npz", "wb") as file, zipfile.ZipFile(Pipe(file), "w", method) as archive:
            for version, name in (((2, 0), "other"), ((3, 0), "input")):
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    numpy.lib.format.write_array(member, x if name == "input" else x[:3], version=version)
        require(quantize(bench, "piped", "piped.npz") == expected, f"an archive from a pipe (method {method}) gives another result")


def two_inputs(bench):
    """One archive feeds every input by name."""
    shape = ["N", 3, 8, 8]
    (bench.work / "two.onnx").write_bytes(onnx.model(
        [onnx.node("Add", ["left", "right"], ["y"])],
        [onnx.value_info("left", shape), onnx.value_info("right", shape)], [onnx.value_info("y", shape)]))
    random = numpy.random.default_rng(1)
    left, right = (random.normal(size=(5, 3, 8, 8)).astype(numpy.float32) * factor for factor in (1, 10))
    numpy.savez_compressed(bench.work / "both.npz", right=right, left=left)
    numpy.save(bench.work / "left.npy", left)
    numpy.save(bench.work / "right.npy", right)
    numpy.savez(bench.work / "right.npz", right)
    results = []
    for data in (("both.npz",), ("left=left.npy", "right=right.npy"), ("left=both.npz", "right=right.npz"), ("left=left.npy", "both.npz")):
        bench.run("quantize", "two.onnx", "-p", "onnxruntime-int8", "-o", "out.onnx", "-q",
                  *(part for path in data for part in ("-c", path)))
        results.append(bench.bytes("out.onnx"))
    require(all(result == results[0] for result in results), "the ways to name the data of two inputs differ")


def memory_stays(bench):
    """An archive thirty times the size takes no more memory: 96 MiB of samples, of which few are held at a time."""
    x = numpy.tile(samples(bench), (800, 1, 1, 1))[:32000]
    peaks = []
    for count in (1000, 32000):
        numpy.savez_compressed(bench.work / "large.npz", x[:count])
        bench.run("evaluate", bench.glyphs / "model.onnx", "--data", "large.npz", "--preprocess", bench.glyphs / "meta.json",
                  "--json", "figures.json", "-q")
        peaks.append(bench.json("figures.json")["peak_memory_bytes"])
    require(peaks[1] < peaks[0] + (16 << 20), f"peak memory grew from {peaks[0]} to {peaks[1]} bytes")


def outputs(bench):
    """`evaluate --outputs-npy` writes what the model computes, whatever its outputs are called; an older file is replaced."""
    shape = ["N", 3, 8, 8]
    names = ["y", "deep/y", "deep_y", "../up"]
    (bench.work / "four.onnx").write_bytes(onnx.model(
        [onnx.node("Relu", ["x"], ["y"]), onnx.node("Neg", ["x"], ["deep/y"]), onnx.node("Abs", ["x"], ["deep_y"]),
         onnx.node("ReduceMax", ["x"], ["../up"], attributes=[onnx.ints_attribute("axes", [1, 2, 3])])],
        [onnx.value_info("x", shape)], [onnx.value_info(name, shape if name != "../up" else ["N", 1, 1, 1]) for name in names]))
    x = numpy.random.default_rng(2).normal(size=(9, 3, 8, 8)).astype(numpy.float32)
    numpy.savez(bench.work / "x.npz", x)
    (bench.work / "out").mkdir()
    (bench.work / "out" / "y.npy").write_text("older")
    bench.run("evaluate", "four.onnx", "--data", "x.npz", "--outputs-npy", "out", "--json", "figures.json", "--threads", 4, "-q")
    files = bench.json("figures.json")["written"]
    require(files == ["out/y.npy", "out/deep_y.npy", "out/deep_y-2.npy", "out/_.._up.npy"], f"files: {files}")
    found = [numpy.load(bench.work / file) for file in files]
    expected = [numpy.maximum(x, 0), -x, abs(x), x.max(axis=(1, 2, 3), keepdims=True)]
    for name, a, b in zip(names, found, expected, strict=True):
        require(a.dtype == b.dtype and a.shape == b.shape and (a == b).all(), f"output '{name}': {a.shape} {a.dtype}")
    require(sorted(path.name for path in (bench.work / "out").iterdir()) == sorted(file[4:] for file in files), "other files")


TESTS = (same_as_npy, folders, zip_forms, two_inputs, memory_stays, outputs)


if __name__ == "__main__":
    sys.exit(run_tests(__doc__, TESTS, Bench, FOLDERS))
