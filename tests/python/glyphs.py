"""What the tests of the package have in common: the example model, its samples, and the program to compare with."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np

import halftone

GLYPHS = pathlib.Path(os.environ["HALFTONE_GLYPHS"])
MODEL = GLYPHS / "model.onnx"
META = GLYPHS / "meta.json"
PLATFORM = "onnxruntime-int8"


def samples(part="calib", count=None):
    return np.load(GLYPHS / part / "x.npy")[:count]


def labels(part="test", count=None):
    return np.load(GLYPHS / part / "y.npy")[:count]


def preprocess():
    meta = json.loads(META.read_text())
    return {key: meta[key] for key in ("scale", "mean", "std")}


def inputs(part="test", count=8):
    """As the model takes them: float32 [N, 3, 32, 32]."""
    meta = preprocess()
    scaled = samples(part, count).astype(np.float32) * np.float32(meta["scale"])
    return ((scaled - np.array(meta["mean"], np.float32)) / np.array(meta["std"], np.float32)).transpose(0, 3, 1, 2)


def quantized(model=None, data=None, **options):
    options = {"platform": PLATFORM, "preprocess": META, **options}
    return halftone.quantize(model or halftone.load(MODEL), samples(count=32) if data is None else data, **options)


class GlyphsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def program(self, *arguments):
        """Runs `halftone`, which must succeed."""
        done = subprocess.run([os.environ["HALFTONE_PROGRAM"], *map(str, arguments)], cwd=self.work, capture_output=True,
                              text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def program_fails(self, *arguments):
        """Runs `halftone`, which must fail; gives what it says, without its name."""
        done = subprocess.run([os.environ["HALFTONE_PROGRAM"], *map(str, arguments)], cwd=self.work, capture_output=True,
                              text=True, timeout=300, check=False)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        return done.stderr.strip().removeprefix("halftone: ")

    def fails(self, code, words, body, *arguments, **options):
        """The call raises a HalftoneError of this code with these words."""
        with self.assertRaises(halftone.HalftoneError) as caught:
            body(*arguments, **options)
        self.assertEqual(caught.exception.code, code, caught.exception)
        self.assertIn(words, str(caught.exception))
        return caught.exception
